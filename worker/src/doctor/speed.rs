//! How fast this machine computes: a figure to compare machines by, not a promise.

use super::Finding;
use crate::bench::Sample;
use mizan_client::units;
use mizan_engine::CpuExecutor;
use std::time::Duration;

const CHECK: &str = "speed";
/// Width of the square layer that is computed, and items of a batch.
const WIDTH: u32 = 1_024;
const BATCH: u32 = 128;
/// It is computed for so long.
const MEASURED: Duration = Duration::from_millis(500);

pub(super) async fn measure() -> Finding {
    let measured = tokio::task::spawn_blocking(macs_per_second).await;
    match measured.ok().flatten() {
        Some(macs) => {
            let units = units::format_compute_units(macs);
            Finding::ok(
                CHECK,
                format!("{units} a second in a layer of {WIDTH} x {WIDTH}"),
            )
        }
        None => Finding::problem(
            CHECK,
            "a layer could not be computed",
            "replace this program",
        ),
    }
}

/// How many multiply-accumulates a second this machine does; `None` if it can't compute at all.
pub fn macs_per_second() -> Option<u128> {
    let sample = Sample::layers(BATCH, WIDTH, 1).ok()?;
    sample.macs_per_second(&CpuExecutor::new(), MEASURED).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_speed() {
        assert!(macs_per_second().unwrap() > 1_000_000);
    }
}
