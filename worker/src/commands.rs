//! What the commands do.

pub(crate) mod audit;
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
#[cfg(target_os = "linux")]
pub(crate) fn cuda_child() -> ExitCode {
    mizan_engine::cuda::serve_child()
}

/// There are no devices here.
#[cfg(not(target_os = "linux"))]
pub(crate) fn cuda_child() -> ExitCode {
    eprintln!("devices are used on Linux only");
    ExitCode::FAILURE
}
