//! What the chain says.

use super::Finding;
use crate::{
    cache::wall_clock_seconds,
    journal::{Journal, JournalError},
    node::Node,
    settings::Settings,
};
use mizan_client::{
    account_of, explanations::WorkerReport, hex_hash, runtime, units, views::ProviderView,
    AccountId, At, ClientError, Hash, Keypair,
};

/// Two clocks that differ by less are right.
const SKEW_SECONDS: i64 = 30;

/// So many registered models are looked at.
const MODELS: usize = 50;

pub(super) async fn examine(settings: &Settings, key: Option<&Keypair>) -> Vec<Finding> {
    let node = match Node::connect(&settings.url, settings.request).await {
        Ok(node) => node,
        Err(error) => return vec![unreachable(&error)],
    };
    let version = node.client().spec_version();
    let found = format!("{} runs version {version} of the runtime", settings.url);
    let mut findings = vec![
        Finding::ok("node", found),
        journal(settings, node.genesis_hash()),
    ];
    let now = i64::try_from(wall_clock_seconds()).unwrap_or(i64::MAX);
    findings.push(match block_time(&node).await {
        Ok(block_seconds) => clock(now, block_seconds),
        Err(error) => unread("clock", &error),
    });
    if let Some(key) = key {
        match registration(&node, &account_of(key)).await {
            Ok(found) => findings.extend(found),
            Err(error) => findings.push(unread("registration", &error)),
        }
    }
    findings
}

fn unreachable(error: &ClientError) -> Finding {
    let mend = match error {
        ClientError::Incompatible { .. } => "use the release made for that runtime",
        _ => "start the node, or name another with --url",
    };
    Finding::problem("node", error, mend)
}

fn unread(check: &'static str, error: &ClientError) -> Finding {
    Finding::problem(check, error, "look at the node's log, then run this again")
}

fn journal(settings: &Settings, genesis: Hash) -> Finding {
    const CHECK: &str = "journal";
    let mend = "name another folder with --data: each chain needs its own";
    match Journal::genesis_in(&settings.data) {
        Ok(None) => Finding::ok(CHECK, "there is none yet"),
        Ok(Some(bound)) if bound == genesis => Finding::ok(CHECK, "it is this chain's"),
        Ok(Some(bound)) => {
            let (bound, genesis) = (hex_hash(&bound), hex_hash(&genesis));
            let found = format!("it belongs to the chain {bound}, the node's is {genesis}");
            Finding::problem(CHECK, found, mend)
        }
        Err(JournalError::InUse(_)) => Finding::ok(CHECK, "a worker uses it now"),
        Err(error) => Finding::problem(CHECK, error, "see whether the disk is well"),
    }
}

/// When the newest block was made, in seconds since 1970.
async fn block_time(node: &Node) -> Result<i64, ClientError> {
    let unexpected = |error: String| ClientError::Unexpected(error);
    let at = node.ask(node.client().at(At::Best)).await?;
    let storage = at.storage();
    let read = async {
        let address = runtime::storage().timestamp().now();
        let now = storage.fetch(address, ()).await;
        let now = now.map_err(|error| unexpected(error.to_string()))?;
        now.decode().map_err(|error| unexpected(error.to_string()))
    };
    let milliseconds = node.ask(read).await?;
    Ok(i64::try_from(milliseconds / 1_000).unwrap_or(i64::MAX))
}

fn clock(now_seconds: i64, block_seconds: i64) -> Finding {
    let ahead = now_seconds.saturating_sub(block_seconds);
    let found = match ahead {
        0.. => format!("the newest block is {ahead} seconds old"),
        _ => format!("the newest block is of {} seconds from now", ahead.abs()),
    };
    if ahead.abs() <= SKEW_SECONDS {
        return Finding::ok("clock", found);
    }
    let mend = match ahead {
        0.. => "wait until the node is up to date, or set this machine's clock",
        _ => "set this machine's clock: blob servers refuse signatures of a wrong one",
    };
    Finding::warning("clock", found, mend)
}

async fn registration(node: &Node, account: &AccountId) -> Result<Vec<Finding>, ClientError> {
    const CHECK: &str = "registration";
    let Some(worker) = node.worker_report(account).await? else {
        let found = format!("{account} is not a registered worker");
        let mend = "run `mizan-worker register`, or let the provider register it";
        return Ok(vec![Finding::problem(CHECK, found, mend)]);
    };
    let ask: u128 = worker.ask.parse().unwrap_or_default();
    let found = format!(
        "a worker of {} with {} slots, asking {} per compute unit",
        worker.provider,
        worker.slots,
        units::format_amount(ask)
    );
    let mut findings = vec![Finding::ok(CHECK, found)];
    let provider = node.provider(&worker.provider).await?;
    let most = most_locked(node).await?;
    findings.extend(provider.map(|provider| bond(&provider, &worker, most)));
    findings.push(outlook(&worker));
    Ok(findings)
}

/// What one item of the model that locks most locks at the least price; nothing without models.
async fn most_locked(node: &Node) -> Result<u128, ClientError> {
    let client = node.client();
    let mut most = 0;
    for model in node.ask(client.models(MODELS, At::Best)).await? {
        let cost = client.model_cost(&model.id, 1, At::Best);
        if let Some(cost) = node.ask(cost).await? {
            most = most.max(cost.min_lock.parse().unwrap_or_default());
        }
    }
    Ok(most)
}

fn bond(provider: &ProviderView, worker: &WorkerReport, most_locked: u128) -> Finding {
    const CHECK: &str = "bond";
    let (bond, free) = (provider.bond, provider.free_bond());
    let found = format!(
        "{}, of which {} back no job yet",
        units::format_amount(bond),
        units::format_amount(free)
    );
    let least = worker.outlook.details.get("least_lock");
    let least = least.and_then(|least| least.as_str()?.parse().ok());
    match least {
        Some(least) if free < least => {
            let mend = format!(
                "bond more: the smallest job locks {}",
                units::format_amount(least)
            );
            Finding::problem(CHECK, found, mend)
        }
        _ => {
            let slots = worker.slots.saturating_sub(worker.open_jobs);
            let needed = most_locked.saturating_mul(slots.into());
            if free >= needed {
                return Finding::ok(CHECK, found);
            }
            let mend = format!(
                "bond more: {slots} jobs at once of the model that locks most lock at least {}",
                units::format_amount(needed)
            );
            Finding::warning(CHECK, found, mend)
        }
    }
}

/// What decides whether the worker gets a job now.
fn outlook(worker: &WorkerReport) -> Finding {
    const CHECK: &str = "outlook";
    let outlook = &worker.outlook;
    let found = format!("{}: {}", outlook.rule, outlook.meaning);
    match &*outlook.rule {
        "idle" | "busy" => Finding::ok(CHECK, found),
        "bond_too_small" | "convicted" => Finding::problem(CHECK, found, &outlook.what_to_do),
        // A running worker mends these by itself.
        _ => Finding::warning(CHECK, found, &outlook.what_to_do),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Health;
    use serde_json::json;

    fn report(rule: &str, details: serde_json::Value) -> WorkerReport {
        let account = AccountId([1; 32]).to_string();
        let mut outlook = json!({ "rule": rule, "meaning": "m", "what_to_do": "do it" });
        let fields = outlook.as_object_mut().unwrap();
        fields.extend(details.as_object().unwrap().clone());
        serde_json::from_value(json!({
            "account": account, "provider": account, "ask": "1", "slots": 1, "open_jobs": 0,
            "heard_block": null, "misses": 0, "paused_until_block": 0, "jobs": [],
            "outlook": outlook,
        }))
        .unwrap()
    }

    #[test]
    fn a_bond_that_backs_no_job_is_a_problem_with_the_amount_that_mends_it() {
        let provider = ProviderView {
            account: AccountId([1; 32]),
            bond: 2 * units::UNIT,
            locked: units::UNIT,
            locks: 1,
            workers: 1,
        };
        let least = (3 * units::UNIT).to_string();
        let small = report("bond_too_small", json!({ "least_lock": least }));
        let finding = bond(&provider, &small, 0);
        assert_eq!(finding.health, Health::Problem);
        let amount = units::format_amount(3 * units::UNIT);
        assert!(finding.mend.unwrap().contains(&amount));
        assert_eq!(outlook(&small).health, Health::Problem);
        let idle = report("idle", json!({}));
        assert_eq!(bond(&provider, &idle, units::UNIT).health, Health::Ok);
        let tight = bond(&provider, &idle, units::UNIT + 1);
        assert_eq!(tight.health, Health::Warning);
        assert_eq!(outlook(&idle).health, Health::Ok);
        let convicted = outlook(&report("convicted", json!({})));
        assert_eq!(convicted.health, Health::Problem);
        assert_eq!(convicted.mend.unwrap(), "do it");
        assert_eq!(
            outlook(&report("silent", json!({}))).health,
            Health::Warning
        );
    }

    #[test]
    fn clocks_may_differ_a_little() {
        let table = [
            (1_000, 997, Health::Ok),
            (1_000, 1_010, Health::Ok),
            (1_000, 900, Health::Warning),
            (1_000, 1_100, Health::Warning),
        ];
        for (now, block, health) in table {
            assert_eq!(clock(now, block).health, health, "{now} {block}");
        }
    }

    #[test]
    fn a_journal_of_another_chain_is_a_problem_and_none_is_made() {
        use crate::settings::{Environment, Flags, Layers};
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let flags = Flags::from([("data", data.display().to_string())]);
        let layers = Layers::gather(None, &Environment::new(), &flags).unwrap();
        let settings = layers.settings().unwrap();
        assert_eq!(journal(&settings, [1; 32]).health, Health::Ok);
        assert!(!data.exists());
        let opened = Journal::open(&data).unwrap();
        opened.bind(&[1; 32]).unwrap();
        assert_eq!(journal(&settings, [1; 32]).health, Health::Ok);
        drop(opened);
        assert_eq!(journal(&settings, [1; 32]).health, Health::Ok);
        let other = journal(&settings, [2; 32]);
        assert_eq!(other.health, Health::Problem, "{}", other.found);
    }
}
