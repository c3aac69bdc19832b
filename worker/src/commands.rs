//! What the commands do.

pub(crate) mod audit;
pub(crate) mod config;
pub(crate) mod doctor;
pub(crate) mod key;
pub(crate) mod register;
pub(crate) mod run;

use mizan_worker::settings::Environment;

/// The process's variables. One that is no text can't be a setting.
pub(crate) fn environment() -> Environment {
    let variables = std::env::vars_os();
    variables
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
