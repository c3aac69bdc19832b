//! A worker's life as its owner sees it: keys and settings, several jobs at once, nodes and servers
//! that fail, and the end.

#[path = "daemon/doing.rs"]
mod doing;
#[path = "../../engine/tests/cuda/emulated.rs"]
mod emulated;
#[path = "daemon/held.rs"]
mod held;
#[path = "daemon/lent.rs"]
mod lent;
#[path = "../../worker/tests/devices/nvml.rs"]
mod nvml;
#[path = "daemon/operation.rs"]
mod operation;
#[path = "daemon/outages.rs"]
mod outages;
#[path = "daemon/setting.rs"]
mod setting;
