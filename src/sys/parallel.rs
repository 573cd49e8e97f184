//! The same work for many, at the same time.

/// Calls `work` for each item on a thread of its own and returns the results in the items' order.
///
/// It lasts as long as the slowest: each call must have its own deadline.
pub fn in_parallel<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = items.into_iter().map(|item| scope.spawn(move || work(item))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock::{self, Deadline};
    use std::time::Duration;

    #[test]
    fn results_come_in_the_order_of_the_items_and_the_waits_do_not_add_up() {
        let limit = Deadline::after(Duration::from_millis(700));
        let got = in_parallel(vec![300u64, 200, 100, 0], |ms| {
            clock::pause(Duration::from_millis(ms));
            ms * 2
        });
        assert_eq!(got, [600, 400, 200, 0]);
        assert!(!limit.passed());
        assert!(in_parallel(Vec::<u8>::new(), |n| n).is_empty());
    }
}
