//! What the demonstration says at its end.

use super::figures::{amount, decimal, hundredths_of_percent, mebibytes, percent};
use super::{PRICE, REQUESTER};
use crate::digits;
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
        let (url, job, blobs) = (&self.url, self.job, &self.blobs);
        let outputs = format!("--out outputs --blobs {blobs}");
        let model = hex_hash(&self.model);
        let input = digits::input_file().display().to_string();
        let offer = format!("--batch {} --price {PRICE} --key {REQUESTER}", self.images);
        vec![
            format!(
                "{mizan} job post --model {model} --input {input} {offer} --blobs {blobs} \
                 --url {url}"
            ),
            format!("{mizan} job watch {job} --url {url}"),
            format!("{mizan} job fetch {job} {outputs} --url {url}"),
            format!("{mizan} model show {model} --url {url}"),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let [requester, worker, provider] = [1, 2, 3].map(|byte| AccountId([byte; 32]));
        Report {
            job: 0,
            job_state: "settled".into(),
            model: [4; 32],
            requester,
            worker,
            provider,
            images: 360,
            right: 349,
            right_float: 350,
            macs: 3_225_600,
            payment: 100_032_256_000,
            worker_paid: 85_027_417_600,
            burned: 15_004_838_400,
            minted: 4_001_290_240,
            assigned_block: 4,
            attested_block: 7,
            settled_block: 12,
            final_block: 13,
            timing: timing(),
            economics: economics(),
            warm: Duration::from_millis(45_034),
            url: "ws://127.0.0.1:1".into(),
            blobs: "/b".into(),
            node_peak_bytes: 160 << 20,
            worker_peak_bytes: 15 << 20,
        }
    }

    fn timing() -> Timing {
        Timing {
            challenge_blocks: 4,
            answer_blocks: 8,
            draw_delay_slots: 2,
            audit_blocks: 8,
            decline_blocks: 5,
            min_duration_blocks: 5,
            max_duration_blocks: 3_600,
            max_wait_blocks: 201_600,
            heartbeat_blocks: 5,
            liveness_blocks: 20,
            back_off_blocks: 2,
            era_blocks: 100,
            retention_eras: 8,
        }
    }

    fn economics() -> Economics {
        Economics {
            min_price_per_unit: 1,
            flat_price: 1,
            worker_share: 850_000_000,
            auditor_share: 50_000_000,
            royalty_share: 20_000_000,
            burn_share: 80_000_000,
            mint_ratio: 500_000_000,
            audit_probability: 250_000_000,
            further_probability: 200_000_000,
            miss_share: 100_000_000,
            full_audit_share: 200_000_000,
            timeout_share: 100_000_000,
            proof_deposit: 0,
            demand_deposit: 0,
            min_bond: 1,
            min_auditor_bond: 1,
            model_deposit: 1,
            model_byte_deposit: 1,
            job_deposit: 1,
            job_input_deposit: 1,
        }
    }

    #[test]
    fn object_has_the_promised_fields_with_exact_values() {
        let object = report().json();
        let expected = json!({
            "job_state": "settled",
            "accuracy": decimal(9_694, 2),
            "accuracy_float": decimal(9_722, 2),
            "right": 349,
            "images": 360,
            "compute_units": decimal(3_225_600, 9),
            "payment": 100_032_256_000u64,
            "worker_paid": 85_027_417_600u64,
            "burned": 15_004_838_400u64,
            "minted": 4_001_290_240u64,
            "challenge_blocks": 4,
            "warm_seconds": decimal(45_034, 3),
        });
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&object[name], value, "{name}");
        }
    }

    #[test]
    fn table_says_who_was_paid_what_and_why() {
        let table = report().table();
        let lines: Vec<&str> = table.lines().collect();
        let paid = "  paid               0.0850274176 MZN   85 % to the provider, for the work";
        assert!(lines.contains(&paid), "{table}");
        assert!(table.contains("349 of 360 (96.94 %)"), "{table}");
        assert!(
            table.contains("attested in 7, open to challenge for 4, settled in 12"),
            "{table}"
        );
    }

    #[test]
    fn only_a_settled_and_paid_job_counts_as_paid() {
        assert!(report().is_paid());
        assert!(!Report {
            worker_paid: 0,
            ..report()
        }
        .is_paid());
        assert!(!Report {
            job_state: "attested".into(),
            ..report()
        }
        .is_paid());
    }
}
