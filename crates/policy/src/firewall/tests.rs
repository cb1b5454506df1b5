use crate::checks::trial::{NOW, Trial, days_ago, release};
use crate::verdict::Action;
use lazaret_vocabulary::Span;

#[test]
fn the_baseline_passes_what_is_old_and_known() {
    let trial = Trial::new();
    let allowed = trial.filter();
    assert!((0..3).all(|index| allowed.admits(index)), "{:?}", trial.judge(0));
    assert!(!allowed.admits(3));
    assert_eq!(allowed.next_change(), None);
    assert_eq!(allowed.revision().len(), 64);
}

#[test]
fn a_young_release_is_held_until_it_is_old_enough() {
    let mut trial = Trial::new();
    let young = trial.push(release("1.3.0", 1));
    let allowed = trial.filter();
    let withheld = allowed.withheld(young).unwrap();
    assert_eq!((withheld.action, &*withheld.code), (Action::Hold, "release-too-new"));
    assert_eq!(
        withheld.sentence,
        format!("published 1 day ago ({}) by its registry; this policy waits 30 days", days_ago(1))
    );
    let end = days_ago(1) + Span::days(30);
    assert_eq!((withheld.until, allowed.next_change()), (Some(end), Some(end)));
    trial.now = end;
    assert!(trial.filter().admits(young));
    trial.now = NOW;
}
