//! Examines everything that a worker needs, and says how to mend what is wrong.
//!
//! Nothing is changed: no folder is made, no journal bound, no transaction sent.

mod chain;
mod devices;
mod machine;
mod readings;
mod speed;

pub use speed::macs_per_second;

use crate::{keystore, settings::Settings};
use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// As it should be.
    Ok,
    /// The worker can work, or soon will; somebody should know.
    Warning,
    /// The worker can't work, or gets no jobs.
    Problem,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check's name.
    pub check: &'static str,
    /// How bad it is.
    pub health: Health,
    /// What there is.
    pub found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, found: impl ToString) -> Self {
        Self {
            check,
            health: Health::Ok,
            found: found.to_string(),
            mend: None,
        }
    }

    fn warning(check: &'static str, found: impl ToString, mend: impl ToString) -> Self {
        Self {
            health: Health::Warning,
            mend: Some(mend.to_string()),
            ..Self::ok(check, found)
        }
    }

    fn problem(check: &'static str, found: impl ToString, mend: impl ToString) -> Self {
        Self {
            health: Health::Problem,
            ..Self::warning(check, found, mend)
        }
    }
}

/// Examines all of it. Checks that need what another one did not find are left out.
pub async fn examine(settings: &Settings) -> Vec<Finding> {
    let key = keystore::load(settings);
    let mut findings = vec![machine::key(settings, &key)];
    let key = key.ok();
    findings.extend(machine::folders(settings));
    let (devices, shared_bytes) = devices::examine(settings).await;
    findings.push(machine::memory(settings, shared_bytes));
    findings.push(machine::self_check().await);
    findings.extend(devices);
    findings.extend(machine::hours(settings));
    findings.push(speed::measure().await);
    findings.extend(machine::blob_servers(settings).await);
    findings.extend(chain::examine(settings, key.as_ref()).await);
    findings
}
