//! How fast this machine computes: a figure to compare machines by, not a promise.

use super::Finding;
use crate::bench::{processor_speed, LAYER};
use mizan_client::units;
use mizan_engine::CpuExecutor;
use std::time::Duration;

const CHECK: &str = "speed";
/// It is measured for so long.
const MEASURED: Duration = Duration::from_millis(500);

pub(super) async fn measure() -> Finding {
    let measured = tokio::task::spawn_blocking(macs_per_second).await;
    match measured.ok().flatten() {
        Some(macs) => {
            let (units, (width, _)) = (units::format_compute_units(macs), LAYER);
            let found = format!("{units} a second in a layer of {width} x {width}");
            Finding::ok(CHECK, found)
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
    processor_speed(&CpuExecutor::new(), MEASURED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_a_speed() {
        assert!(macs_per_second().unwrap() > 1_000_000);
    }
}
