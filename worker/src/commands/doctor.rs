//! `mizan-worker doctor`.

use anyhow::Result;
use mizan_worker::{
    doctor::{self, Finding, Health},
    settings::Settings,
};
use serde_json::json;
use std::io::Write;

/// Examines everything and says whether a worker can work.
pub(crate) async fn doctor(
    settings: &Settings,
    as_json: bool,
    out: &mut impl Write,
) -> Result<bool> {
    let findings = doctor::examine(settings).await;
    let healthy = findings
        .iter()
        .all(|finding| finding.health != Health::Problem);
    if as_json {
        writeln!(out, "{}", json!({ "healthy": healthy, "checks": findings }))?;
    } else {
        findings
            .iter()
            .try_for_each(|finding| write(finding, out))?;
    }
    Ok(healthy)
}

fn write(finding: &Finding, out: &mut impl Write) -> std::io::Result<()> {
    let health = match finding.health {
        Health::Ok => "ok",
        Health::Warning => "warning",
        Health::Problem => "problem",
    };
    writeln!(out, "{health:<7}  {}: {}", finding.check, finding.found)?;
    match &finding.mend {
        Some(mend) => writeln!(out, "         {mend}"),
        None => Ok(()),
    }
}
