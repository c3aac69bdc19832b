//! What can be seen without the chain.

use super::Finding;
use crate::{
    budget::{physical_memory, Budget},
    disk::{free_space, SPARE_BYTES},
    keystore::KeystoreError,
    lending::is_time,
    settings::Settings,
    supply::examine_servers,
};
use mizan_client::{account_of, Keypair};
use mizan_engine::{CpuExecutor, Executor, Reference};
use mizan_tensor::{vectors, Plan};
use std::path::{Path, PathBuf};

/// With less free space, a warning.
const COMFORTABLE_BYTES: u64 = 1 << 30;

pub(super) fn key(settings: &Settings, key: &Result<Keypair, KeystoreError>) -> Finding {
    match key {
        Ok(key) => Finding::ok("key", account_of(key)),
        Err(error @ KeystoreError::Missing(_)) => {
            Finding::problem("key", error, "run `mizan-worker key new`")
        }
        Err(error @ KeystoreError::TooOpen { path, .. }) => {
            let mend = format!("run `chmod 600 {}`", path.display());
            Finding::problem("key", error, mend)
        }
        Err(error) => {
            let mend = format!("put a secret URI into {}", settings.key_file.display());
            Finding::problem("key", error, mend)
        }
    }
}

/// When new jobs are taken, if that is limited.
pub(super) fn hours(settings: &Settings) -> Option<Finding> {
    let hours = settings.hours.as_ref()?;
    let now = match is_time(hours) {
        true => "now is such a time",
        false => "now is no such time",
    };
    let found = format!("new jobs are taken in the hours {hours} of this machine's clock: {now}");
    Some(Finding::ok("hours", found))
}

/// The folders of journal and blobs.
pub(super) fn folders(settings: &Settings) -> Vec<Finding> {
    let all = [
        ("data folder", &settings.data),
        ("blob folder", &settings.blobs),
    ];
    all.map(|(check, folder)| examine_folder(check, folder))
        .into()
}

fn examine_folder(check: &'static str, folder: &Path) -> Finding {
    // One that is not there is made by the worker, if the folder above allows it.
    let there = folder.ancestors().find(|above| above.exists());
    let there = match there {
        Some(there) => there.to_path_buf(),
        None => PathBuf::from("."),
    };
    if let Err(error) = try_to_write(&there) {
        let found = format!("{} can't be written: {error}", there.display());
        return Finding::problem(check, found, "give this user the right to write there");
    }
    let shown = folder.display();
    let Some(free) = free_space(&there) else {
        return Finding::ok(check, format!("{shown} can be written"));
    };
    let found = format!("{shown} can be written, {} MiB are free", free >> 20);
    if free < SPARE_BYTES {
        Finding::problem(check, found, "free space: no jobs are taken without it")
    } else if free < COMFORTABLE_BYTES {
        Finding::warning(check, found, "free space, or lower cache_bytes")
    } else {
        Finding::ok(check, found)
    }
}

fn try_to_write(folder: &Path) -> std::io::Result<()> {
    let probe = folder.join(format!(".mizan-doctor-{}", std::process::id()));
    std::fs::File::create_new(&probe)?;
    std::fs::remove_file(&probe)
}

/// `shared_bytes`: what the processes of devices have of it.
pub(super) fn memory(settings: &Settings, shared_bytes: u64) -> Finding {
    let (taken, physical) = (
        Budget::new(settings.memory).total_bytes(),
        physical_memory(),
    );
    let budget = Budget::without(settings.memory, shared_bytes).total_bytes();
    let devices = match shared_bytes {
        0 => String::new(),
        shared_bytes => format!(", {} MiB for the processes of GPUs", shared_bytes >> 20),
    };
    let found = format!(
        "{} MiB of {} MiB are for jobs{devices}",
        budget >> 20,
        physical >> 20
    );
    if taken > physical {
        let mend = "lower memory: the machine has less";
        return Finding::problem("memory", found, mend);
    }
    if taken > physical / 10 * 9 {
        let mend = "lower memory: other programs need some, and the system ends the largest one";
        return Finding::warning("memory", found, mend);
    }
    if settings.max_job_bytes > budget {
        let mend = "lower max_job_bytes: jobs larger than the memory are declined, which counts";
        return Finding::warning("memory", found, mend);
    }
    Finding::ok("memory", found)
}

/// Whether this machine computes what the definition says.
pub(super) async fn self_check() -> Finding {
    const CHECK: &str = "self-check";
    let wrong = tokio::task::spawn_blocking(first_wrong).await;
    match wrong {
        Ok(Ok(count)) => {
            let name = CpuExecutor::new().name().to_owned();
            Finding::ok(CHECK, format!("{name} is right on {count} small programs"))
        }
        Ok(Err(program)) => Finding::problem(
            CHECK,
            format!("this machine computes a wrong result: {program}"),
            "do not run a worker here: test the memory, then replace the hardware or this program",
        ),
        Err(_) => Finding::problem(CHECK, "the computation broke off", "replace this program"),
    }
}

/// How many programs were computed rightly, or the first that was not.
fn first_wrong() -> Result<usize, String> {
    let all = vectors::all().map_err(|line| format!("line {line} of the vectors"))?;
    let fast = CpuExecutor::new();
    for vector in &all {
        let plan = Plan::new(vector.program.clone());
        let plan = plan.map_err(|error| format!("{}: {error}", vector.name))?;
        let parameters: Vec<&[u8]> = vector.parameters.iter().map(Vec::as_slice).collect();
        let inputs: Vec<&[u8]> = vector.inputs.iter().map(Vec::as_slice).collect();
        let executors: [&dyn Executor; 2] = [&Reference, &fast];
        for executor in executors {
            let result = executor.execute(&plan, &parameters, &inputs, vector.batch);
            if result.is_ok_and(|result| result.trace == vector.trace) {
                continue;
            }
            return Err(format!("{} by {}", vector.name, executor.name()));
        }
    }
    Ok(all.len())
}

/// Whether the owner's own blob servers answer.
pub(super) async fn blob_servers(settings: &Settings) -> Vec<Finding> {
    const CHECK: &str = "blob server";
    let mend = "start it, or take it out of blob_servers";
    match examine_servers(&settings.blob_servers).await {
        Err(error) => vec![Finding::problem(CHECK, error, mend)],
        Ok(servers) => servers
            .into_iter()
            .map(|(server, wrong)| match wrong {
                None => Finding::ok(CHECK, format!("{server} answers")),
                Some(reason) => Finding::warning(CHECK, format!("{server}: {reason}"), mend),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Health;
    use crate::settings::{Environment, Flags, Layers};

    fn settings(flags: &[(&'static str, &str)]) -> Settings {
        let flags: Flags = flags
            .iter()
            .chain(&[("data", "/nonexistent")])
            .map(|(name, value)| (*name, value.to_string()))
            .collect();
        let layers = Layers::gather(None, &Environment::new(), &flags).unwrap();
        layers.settings().unwrap()
    }

    #[tokio::test]
    async fn this_machine_computes_rightly() {
        let finding = self_check().await;
        assert_eq!(finding.health, Health::Ok, "{}", finding.found);
    }

    #[test]
    fn memory_that_the_machine_does_not_have_is_a_problem() {
        assert_eq!(
            memory(&settings(&[("memory", "100 TiB")]), 0).health,
            Health::Problem
        );
        let tight = memory(&settings(&[("memory", "1 MiB")]), 0);
        assert_eq!(tight.health, Health::Warning);
        let settings = settings(&[("memory", "2 MiB"), ("max_job_bytes", "1536 KiB")]);
        assert_eq!(memory(&settings, 0).health, Health::Ok);
        let beside_devices = memory(&settings, 1 << 20);
        assert_eq!(beside_devices.health, Health::Warning);
        let says = ", 1 MiB for the processes of GPUs";
        assert!(
            beside_devices.found.ends_with(says),
            "{}",
            beside_devices.found
        );
    }

    #[test]
    fn a_folder_is_judged_without_making_it() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        let finding = examine_folder("data folder", &below);
        assert_ne!(finding.health, Health::Problem, "{}", finding.found);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let file = folder.path().join("file");
        std::fs::write(&file, "x").unwrap();
        let finding = examine_folder("data folder", &file);
        assert_eq!(finding.health, Health::Problem, "{}", finding.found);
    }

    #[tokio::test]
    async fn a_server_of_ones_own_that_does_not_answer_is_named() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let settings = settings(&[("blob_servers", &url)]);
        let findings = blob_servers(&settings).await;
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].health, Health::Warning);
        assert!(findings[0].found.contains(&url));
    }
}
