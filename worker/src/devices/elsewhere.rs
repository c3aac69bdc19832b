//! Systems on which no GPU is used.

use super::{Computing, Unusable};
use crate::{metrics::Metrics, settings::Settings};
use mizan_engine::CpuExecutor;
use std::sync::Arc;

pub(super) async fn start(
    _: &Settings,
    _: &CpuExecutor,
    _: &Arc<Metrics>,
) -> Result<Computing, Unusable> {
    Err(Unusable::Elsewhere)
}
