//! How many threads work is done on.

use rayon::{ThreadPoolBuildError, ThreadPoolBuilder};

/// Runs `work` with everything that this crate does in it on so many threads of its own, instead
/// of on all threads of the global pool; 0 is one for each processor.
pub fn on_threads<T: Send>(
    threads: usize,
    work: impl FnOnce() -> T + Send,
) -> Result<T, ThreadPoolBuildError> {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    Ok(pool.install(work))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_runs_on_as_many_threads_as_asked_for() {
        for threads in [1, 3] {
            assert_eq!(
                on_threads(threads, rayon::current_num_threads).unwrap(),
                threads
            );
        }
    }
}
