use std::cmp::Ordering;

/// An ecosystem's version order, given by the caller: this crate knows none.
///
/// It should be a total preorder in which a text equals itself. On texts for which it is not, answers may
/// be wrong, but nothing here panics or loops.
pub trait VersionOrder {
    /// How `left` stands to `right`. `Equal` means the same version, however written (`1.0` and `1.0.0`).
    fn compare(&self, left: &str, right: &str) -> Ordering;
}

impl<F: Fn(&str, &str) -> Ordering + ?Sized> VersionOrder for F {
    fn compare(&self, left: &str, right: &str) -> Ordering {
        self(left, right)
    }
}

/// A merge sort, since the standard library's may panic when the order is none, and which texts an
/// ecosystem's order stumbles over is for a hostile record to find out.
pub(crate) fn sort(texts: &mut Vec<&str>, order: &dyn VersionOrder) {
    let mut width = 1;
    while width < texts.len() {
        let mut merged = Vec::with_capacity(texts.len());
        for pair in texts.chunks(width * 2) {
            let (left, right) = pair.split_at(width.min(pair.len()));
            let (mut left, mut right) = (left.iter().peekable(), right.iter().peekable());
            loop {
                let from_right = match (left.peek(), right.peek()) {
                    (Some(one), Some(other)) => order.compare(other, one) == Ordering::Less,
                    (None, Some(_)) => true,
                    (Some(_), None) => false,
                    (None, None) => break,
                };
                merged.extend(if from_right { right.next() } else { left.next() });
            }
        }
        *texts = merged;
        width *= 2;
    }
}
