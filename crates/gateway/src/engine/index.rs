//! Serving an index: kept reply, or verdicts and a render.

use super::Gateway;
use super::documents::{LoadError, LoadKey};
use super::package::Viewer;
use super::replies::{Kept, ReplyKey};
use super::request::Asked;
use crate::wire::Answer;
use lazaret_ecosystems::{Shown, View};
use lazaret_vocabulary::{BaseUrl, PackageName};
use std::sync::Arc;

/// Above this many bytes of reply, rendering and compressing go where blocking is allowed.
const BLOCKING_BYTES: usize = 64 << 10;

impl Gateway {
    pub(crate) async fn index(&self, asked: &Asked<'_>, name: PackageName, view: View) -> Answer {
        let viewer = asked.viewer();
        let state = self.state();
        let key = ReplyKey {
            spelled: name.as_str().into(),
            class: state.firewall.class_matters(&name).then_some(viewer.class),
            as_of: viewer.as_of,
            package: name.clone(),
            base: asked.base.clone(),
            view,
        };
        let now = self.clock.now();
        if let Some(kept) = self.replies.get(&key)
            && kept.epoch == state.epoch
            && now < kept.valid_until
            && !kept.lease.is_over()
        {
            let age = now.since(kept.lease.fetched());
            let fresh = self.settings.fresh;
            let renew_behind = fresh.millis().saturating_add(self.settings.renew_behind.millis());
            if age < fresh || kept.hosted {
                return self.send(asked, kept, false).await;
            }
            if age.millis() < renew_behind {
                let load_key: LoadKey = (name.clone(), key.spelled.clone());
                self.renew_behind(load_key);
                return self.send(asked, kept, false).await;
            }
        }
        let loaded = match self.load(&name).await {
            Ok(loaded) => loaded,
            Err(error) => return self.load_failed(asked, &name, &error),
        };
        if loaded.package.blank {
            return self.load_failed(asked, &name, &LoadError::Absent(name.to_string()));
        }
        let stale = loaded.stale;
        let root = asked.root.to_owned();
        let gateway = self.arc();
        let (flight_key, base) = (key.clone(), asked.base.clone());
        let rendered = self
            .renders
            .join(key.clone(), || async move {
                gateway.render(loaded.package, flight_key, base, root, viewer).await
            })
            .await
            .unwrap_or(Err(LoadError::Store));
        match rendered {
            Ok(kept) => self.send(asked, kept, stale).await,
            Err(error) => self.load_failed(asked, &name, &error),
        }
    }

    async fn send(&self, asked: &Asked<'_>, kept: Arc<Kept>, stale: bool) -> Answer {
        if kept.wants_packing(asked.head.headers) {
            let packing = kept.clone();
            let _ = tokio::task::spawn_blocking(move || packing.pack()).await;
        }
        kept.answer(asked.head.method, asked.head.headers, stale)
    }

    async fn render(
        self: Arc<Self>,
        package: Arc<super::package::Package>,
        key: ReplyKey,
        base: BaseUrl,
        root: String,
        viewer: Viewer,
    ) -> Result<Arc<Kept>, LoadError> {
        self.detail_all(&package).await?;
        let large = package.index.weight() > BLOCKING_BYTES;
        let gateway = self.clone();
        let reply_key = key.clone();
        let work = move || {
            // The lease is taken before the facts: what is learnt meanwhile ends it, and this reply with it.
            let lease = package.lease();
            let judged = gateway.judge(&package, viewer);
            let page = gateway.page_url(&root, &package.name);
            if let Some(refusal) = package.held_back(&judged.allowed, &page) {
                gateway.tally.held_back(refusal);
            }
            let memory = package.memory();
            let shown = Shown {
                package: &package.name,
                allowed: &judged.allowed,
                base: &base,
                page: &page,
                extras: &memory.extras,
            };
            let reply = package.index.render(&reply_key.view, &shown).map_err(|error| {
                LoadError::Malformed { package: package.name.to_string(), why: error.to_string() }
            })?;
            Ok(Arc::new(Kept::new(reply, judged.epoch, judged.valid_until, lease, package.hosted)))
        };
        let kept = if large {
            tokio::task::spawn_blocking(work).await.map_err(|_| LoadError::Store)??
        } else {
            work()?
        };
        self.replies.insert(key, kept.clone());
        Ok(kept)
    }
}
