//! What the demonstration says at its end.

use mizan_client::keys::format_address;
use mizan_client::units::{format_amount, format_compute_units};
use mizan_client::views::{Economics, Timing};
use mizan_client::{hex_hash, AccountId, Hash};
use serde_json::{json, Number, Value};
use std::time::Duration;

/// The job, its result, and where the money went. Amounts are in the smallest unit, 10^-12 MZN.
#[derive(Clone, Debug)]
pub struct Report {
    /// The job's id.
    pub job: u64,
    /// Where it stands.
    pub job_state: String,
    /// The program it ran.
    pub model: Hash,
    /// Who posted it and paid.
    pub requester: AccountId,
    /// Who computed it.
    pub worker: AccountId,
    /// Who was paid.
    pub provider: AccountId,
    /// Number of images.
    pub images: u32,
    /// How many of them the job named right.
    pub right: usize,
    /// How many the network in floating point names right.
    pub right_float: usize,
    /// Size of the job in multiply-accumulates.
    pub macs: u128,
    /// What the requester paid.
    pub payment: u128,
    /// What the provider got of it.
    pub worker_paid: u128,
    /// What was burned of it.
    pub burned: u128,
    /// What was minted to the provider on top.
    pub minted: u128,
    /// Block of the assignment.
    pub assigned_block: u32,
    /// Block of the attestation.
    pub attested_block: u32,
    /// Block of the settlement.
    pub settled_block: u32,
    /// A final block in which the job is settled.
    pub final_block: u32,
    /// The chain's periods.
    pub timing: Timing,
    /// The chain's prices and shares.
    pub economics: Economics,
    /// From the start of the processes to the final settlement.
    pub warm: Duration,
    /// Where the node answers.
    pub url: String,
    /// The folder of blobs.
    pub blobs: String,
    /// Most memory that the node held.
    pub node_peak_bytes: u64,
    /// Most memory that a worker held.
    pub worker_peak_bytes: u64,
}

impl Report {
    /// Whether the job was settled and paid.
    pub fn is_paid(&self) -> bool {
        self.job_state == "settled" && self.worker_paid > 0
    }

    /// The figures of the benchmark.
    pub fn figures(&self) -> Vec<(&'static str, Number)> {
        vec![
            ("warm_seconds", decimal(self.warm.as_millis(), 3)),
            ("node_peak_mib", mebibytes(self.node_peak_bytes)),
            ("worker_peak_mib", mebibytes(self.worker_peak_bytes)),
        ]
    }

    /// One object.
    pub fn json(&self) -> Value {
        let images = u128::from(self.images);
        json!({
            "job": self.job,
            "job_state": self.job_state,
            "model": hex_hash(&self.model),
            "images": self.images,
            "right": self.right,
            "right_float": self.right_float,
            "accuracy": decimal(hundredths_of_percent(self.right, images), 2),
            "accuracy_float": decimal(hundredths_of_percent(self.right_float, images), 2),
            "compute_units": decimal(self.macs, 9),
            "amounts_in": "10^-12 MZN",
            "payment": amount(self.payment),
            "worker_paid": amount(self.worker_paid),
            "burned": amount(self.burned),
            "minted": amount(self.minted),
            "challenge_blocks": self.timing.challenge_blocks,
            "assigned_block": self.assigned_block,
            "attested_block": self.attested_block,
            "settled_block": self.settled_block,
            "final_block": self.final_block,
            "warm_seconds": decimal(self.warm.as_millis(), 3),
            "requester": format_address(&self.requester),
            "worker": format_address(&self.worker),
            "provider": format_address(&self.provider),
            "url": self.url,
        })
    }

    /// A table for people.
    pub fn table(&self) -> String {
        let mut lines = vec![String::new()];
        lines.extend(
            self.work()
                .map(|(name, value)| format!("{name:<12} {value}")),
        );
        lines.push(String::new());
        let name = "Of the payment";
        lines.push(format!(
            "{name:<16} {:>20}   by the requester",
            format_amount(self.payment)
        ));
        for (name, amount, why) in self.money() {
            lines.push(format!(
                "  {name:<14} {:>20}   {why}",
                format_amount(amount)
            ));
        }
        lines.push(String::new());
        lines.extend(
            self.blocks()
                .map(|(name, value)| format!("{name:<12} {value}")),
        );
        lines.join("\n")
    }

    /// Commands with which to look for oneself, while the chain runs.
    pub fn commands(&self, mizan: &str) -> Vec<String> {
        let (url, job) = (&self.url, self.job);
        let outputs = format!("--out outputs --blobs {}", self.blobs);
        vec![
            format!("{mizan} job watch {job} --url {url}"),
            format!("{mizan} job fetch {job} {outputs} --url {url}"),
            format!("{mizan} model show {} --url {url}", hex_hash(&self.model)),
            format!(
                "{mizan} account balance {} --url {url}",
                format_address(&self.provider)
            ),
        ]
    }

    fn work(&self) -> [(&'static str, String); 7] {
        let images = self.images;
        let percent = |right| decimal(hundredths_of_percent(right, images.into()), 2);
        let (right, float) = (self.right, self.right_float);
        let (by_job, by_float) = (percent(right), percent(float));
        let units = format_compute_units(self.macs);
        [
            (
                "Computed",
                format!("the digit on {images} images that were never trained on"),
            ),
            (
                "Right",
                format!("{right} of {images} ({by_job} %), with 8-bit integers, by the job"),
            ),
            (
                "",
                format!("{float} of {images} ({by_float} %), in floating point, for comparison"),
            ),
            (
                "Size",
                format!("{units} ({} multiply-accumulates)", self.macs),
            ),
            (
                "Job, model",
                format!("{}, {}", self.job, hex_hash(&self.model)),
            ),
            ("Requester", format_address(&self.requester)),
            (
                "Provider",
                format!("{} (of the worker that was chosen)", self.provider),
            ),
        ]
    }

    fn money(&self) -> [(&'static str, u128, String); 3] {
        let shares = &self.economics;
        let [worker, burn, auditors, royalty, ratio] = [
            shares.worker_share,
            shares.burn_share,
            shares.auditor_share,
            shares.royalty_share,
            shares.mint_ratio,
        ]
        .map(percent);
        let unearned = format!("{auditors} for auditors and {royalty} royalty that nobody earned");
        [
            (
                "paid",
                self.worker_paid,
                format!("{worker} to the provider, for the work"),
            ),
            ("burned", self.burned, format!("{burn} always; {unearned}")),
            (
                "minted on top",
                self.minted,
                format!("to the provider, {ratio} of the {burn}"),
            ),
        ]
    }

    fn blocks(&self) -> [(&'static str, String); 2] {
        let (assigned, attested) = (self.assigned_block, self.attested_block);
        let (settled, last) = (self.settled_block, self.final_block);
        let challenge = self.timing.challenge_blocks;
        let seconds = decimal(self.warm.as_millis() / 100, 1);
        [
            (
                "Blocks",
                format!(
                    "assigned in {assigned}, attested in {attested}, open to challenge for \
                     {challenge}, settled in {settled}, final with {last}"
                ),
            ),
            (
                "Time",
                format!("{seconds} s from the start of the chain to the final settlement"),
            ),
        ]
    }
}

/// A whole number with the point moved to the left, exactly.
fn decimal(number: u128, places: u32) -> Number {
    let unit = 10u128.pow(places);
    let (whole, rest) = (number / unit, number % unit);
    let text = format!("{whole}.{rest:0width$}", width = places as usize);
    // Digits around a point are a number; so few of them are kept to the last.
    serde_json::from_str(&text).expect("digits around a point are a JSON number; qed")
}

/// An amount as a whole number.
fn amount(amount: u128) -> Value {
    // The demonstration's own amounts are far below 2^53, from where readers may round.
    u64::try_from(amount).map_or_else(|_| amount.to_string().into(), Value::from)
}

/// Rounded to the nearest.
fn hundredths_of_percent(part: usize, whole: u128) -> u128 {
    (part as u128 * 20_000 + whole) / (2 * whole.max(1))
}

/// Rounded up to a tenth.
fn mebibytes(bytes: u64) -> Number {
    decimal((u128::from(bytes) * 10).div_ceil(1 << 20), 1)
}

/// A share in billionths.
fn percent(share: u32) -> String {
    let text = format!("{}.{:07}", share / 10_000_000, share % 10_000_000);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_exact_decimals() {
        let written = |number, places| decimal(number, places).to_string();
        assert_eq!(written(hundredths_of_percent(349, 360), 2), "96.94");
        assert_eq!(written(hundredths_of_percent(360, 360), 2), "100.0");
        assert_eq!(written(3_225_600, 9), "0.0032256");
        assert_eq!(written(45_034, 3), "45.034");
        assert_eq!(mebibytes((1 << 20) + 1).to_string(), "1.1");
    }

    #[test]
    fn shares_are_written_in_per_cent() {
        assert_eq!(percent(850_000_000), "85 %");
        assert_eq!(percent(333_333_333), "33.3333333 %");
        assert_eq!(percent(0), "0 %");
    }
}
