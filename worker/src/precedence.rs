//! Paid jobs go before whatever only helps others.

use std::sync::{
    atomic::{AtomicUsize, Ordering},
    Arc,
};

/// The paid jobs that compute, or wait for memory to compute.
#[derive(Clone, Debug, Default)]
pub struct PaidJobs(Arc<AtomicUsize>);

/// One of them, until it is dropped.
#[derive(Debug)]
pub struct PaidJob(PaidJobs);

impl PaidJobs {
    /// Another one begins.
    pub fn begin(&self) -> PaidJob {
        self.0.fetch_add(1, Ordering::Relaxed);
        PaidJob(self.clone())
    }

    /// Whether there are any.
    pub fn are_under_way(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

impl Drop for PaidJob {
    fn drop(&mut self) {
        self.0 .0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_under_way_from_their_beginning_to_their_end() {
        let paid = PaidJobs::default();
        assert!(!paid.are_under_way());
        let (one, two) = (paid.begin(), paid.clone().begin());
        drop(one);
        assert!(paid.are_under_way());
        drop(two);
        assert!(!paid.are_under_way());
    }
}
