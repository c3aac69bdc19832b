//! What the commands do.

pub(crate) mod audit;
pub(crate) mod bench;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod key;
pub(crate) mod register;
pub(crate) mod run;

use mizan_worker::settings::Environment;
use std::process::ExitCode;

/// The process's variables. One that is no text can't be a setting.
pub(crate) fn environment() -> Environment {
    let variables = std::env::vars_os();
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// Drives a device for the worker that started this process.
pub(crate) fn cuda_child() -> ExitCode {
    mizan_engine::cuda::serve_child()
}

/// Reads how devices are, for the worker that started this process.
pub(crate) fn nvml_child() -> ExitCode {
    mizan_worker::devices::serve_nvml_child()
}
