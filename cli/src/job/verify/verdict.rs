//! What a check says, in words and as JSON.

use super::check::{Fault, Scope};
use crate::failure::{Failure, Kind};
use crate::grounds::{clause, of_accusation};
use crate::job::state::{convicted, is_in_challenge, too_late};
use crate::table::facts;
use mizan_client::disputes::{Conviction, FailedProof};
use mizan_client::keys::format_address;
use mizan_client::units::format_amount;
use mizan_client::views::{Assignment, JobView};
use serde_json::{json, Value};

/// Most items that are named one by one.
const NAMED_ITEMS: usize = 8;

/// The evidence for an accusation.
pub(super) type Proof = Vec<u8>;

/// What a check found.
pub(super) struct Verdict {
    pub(super) job: JobView,
    pub(super) scope: Scope,
    pub(super) fault: Option<Fault>,
    /// Bytes of the proof of it.
    pub(super) proof: Option<usize>,
    /// The conviction, if the proof was sent.
    pub(super) sent: Option<Sent>,
}

/// A proof that convicted.
pub(super) struct Sent {
    pub(super) assignment: Assignment,
    pub(super) conviction: Conviction,
    /// Block and hash of the transaction.
    pub(super) included: Value,
}

/// What to say of a proof that was included and proved nothing.
pub(super) fn failed(proof: &FailedProof) -> Failure {
    let (why, burned) = (proof.why, format_amount(proof.burned));
    let message = format!("the chain finds nothing proved: {why}; {burned} was burned");
    Failure::new(Kind::Refused, message)
}

impl Verdict {
    pub(super) fn text(&self) -> String {
        let mut rows = vec![("job", self.job.id.to_string())];
        match &self.fault {
            None => rows.extend(self.right()),
            Some(fault) => rows.extend(self.wrong(fault)),
        }
        facts(&rows)
    }

    fn right(&self) -> Vec<(&'static str, String)> {
        let batch = self.job.batch;
        let (verdict, checked) = match &self.scope {
            Scope::Whole => ("right", format!("every number of all {batch} items")),
            Scope::Items(items) if items.len() == batch as usize => {
                ("right", format!("every number of all {batch} items"))
            }
            Scope::Items(items) => {
                let items = named(items);
                let checked = format!("every number of {items} of {batch}; --full checks them all");
                ("right as far as checked", checked)
            }
        };
        let hashes = "of trace and outputs are those attested, and the outputs are in the trace";
        let mut rows = vec![
            ("verdict", verdict.to_owned()),
            ("checked", checked),
            ("hashes", hashes.to_owned()),
        ];
        if !is_in_challenge(&self.job) {
            rows.push(("challenge", too_late(&self.job)));
        }
        rows
    }

    fn wrong(&self, fault: &Fault) -> Vec<(&'static str, String)> {
        let mut rows = vec![
            ("verdict", "wrong".to_owned()),
            ("what", clause(&of_accusation(fault.accusation()))),
        ];
        let values = match fault {
            Fault::Element {
                item,
                claimed,
                right,
                ..
            } => {
                rows.push(("item", item.to_string()));
                [claimed.to_string(), right.to_string()]
            }
            Fault::Output { claimed, right, .. } => [claimed.to_string(), right.to_string()],
            Fault::Length { claimed, right, .. } => {
                [claimed, right].map(|length| format!("{length} bytes"))
            }
        };
        let [claimed, right] = values;
        rows.extend([("claimed", claimed), ("right", right)]);
        if let Some(bytes) = self.proof {
            rows.push(("fraud proof", format!("{bytes} bytes")));
        }
        match &self.sent {
            Some(sent) => {
                let provider = format_address(&sent.assignment.provider);
                rows.push(("conviction", convicted(&provider, &sent.conviction)));
            }
            None if is_in_challenge(&self.job) => rows.push(("what to do", self.command(fault))),
            None => rows.push(("challenge", too_late(&self.job))),
        }
        rows
    }

    /// How to prove the same again: other items may be drawn the next time.
    fn command(&self, fault: &Fault) -> String {
        let id = self.job.id;
        let scope = match fault {
            Fault::Element { item, .. } => format!(" --item {item}"),
            Fault::Output { .. } | Fault::Length { .. } => String::new(),
        };
        let settles = self.settles_block();
        format!(
            "before block {settles}, when the job may settle: mizan job verify {id}{scope} --submit \
             --key-file FILE"
        )
    }

    /// The first block in which the job can settle.
    fn settles_block(&self) -> u32 {
        let attestation = self.job.state.attestation();
        let settles = attestation.map_or(0, |attestation| attestation.settles_block);
        // Answers to demands put the settlement off.
        settles.max(self.job.due_block)
    }

    pub(super) fn object(&self) -> Value {
        let is_right = self.fault.is_none();
        let mut object = json!({
            "job": self.job.id,
            "state": self.job.state.name(),
            "verdict": if is_right { "right" } else { "wrong" },
            "batch": self.job.batch,
            "checked": match &self.scope {
                Scope::Whole => json!("all"),
                Scope::Items(items) => json!(items),
            },
            "in_challenge": is_in_challenge(&self.job),
        });
        if is_in_challenge(&self.job) {
            object["settles_block"] = json!(self.settles_block());
        }
        if let Some(fault) = &self.fault {
            object["fault"] = fault_object(fault);
            object["proof_bytes"] = json!(self.proof);
        }
        if let Some(sent) = &self.sent {
            object["state"] = json!("convicted");
            object["in_challenge"] = json!(false);
            object["settles_block"] = Value::Null;
            object["worker"] = json!(sent.assignment.worker);
            object["provider"] = json!(sent.assignment.provider);
            object["conviction"] = json!(sent.conviction);
            object["block"] = sent.included["block"].clone();
            object["transaction"] = sent.included["transaction"].clone();
        }
        object
    }
}

fn fault_object(fault: &Fault) -> Value {
    let mut object = json!(of_accusation(fault.accusation()));
    match fault {
        Fault::Element {
            item,
            claimed,
            right,
            ..
        } => {
            object["item"] = json!(item);
            object["claimed"] = json!(claimed);
            object["right"] = json!(right);
        }
        Fault::Output { claimed, right, .. } => {
            object["claimed"] = json!(claimed);
            object["right"] = json!(right);
        }
        Fault::Length { claimed, right, .. } => {
            object["claimed"] = json!(claimed);
            object["right"] = json!(right);
        }
    }
    object
}

fn named(items: &[u32]) -> String {
    match items {
        [item] => format!("item {item}"),
        items if items.len() <= NAMED_ITEMS => {
            let names: Vec<String> = items.iter().map(u32::to_string).collect();
            format!("items {}", names.join(", "))
        }
        items => format!("{} items", items.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::state::tests::{
        assignment, attestation, convicted_job, conviction, job, settled_job, settlement,
    };
    use mizan_client::disputes::BlobRef;
    use mizan_client::views::JobState;

    fn verdict(job: JobView, fault: Option<Fault>) -> Verdict {
        Verdict {
            job,
            scope: Scope::Items(vec![3, 17, 250]),
            fault,
            proof: fault.map(|_| 2_112),
            sent: None,
        }
    }

    fn attested() -> JobView {
        let state = JobState::Attested {
            assignment: assignment(),
            attestation: attestation(),
        };
        JobView {
            due_block: 19,
            ..job(state)
        }
    }

    const ELEMENT: Fault = Fault::Element {
        operation: 2,
        index: 35,
        item: 17,
        claimed: -5,
        right: 7,
    };

    fn pretty(verdict: &Verdict) -> String {
        serde_json::to_string_pretty(&verdict.object()).unwrap()
    }

    #[test]
    fn a_right_result_is_said_with_what_was_checked() {
        let sampled = verdict(attested(), None);
        insta::assert_snapshot!("right_sampled", sampled.text());
        insta::assert_snapshot!("right_sampled_json", pretty(&sampled));
        let whole = Verdict {
            scope: Scope::Whole,
            ..verdict(settled_job(settlement()), None)
        };
        insta::assert_snapshot!("right_whole_settled", whole.text());
        assert_eq!(whole.object()["checked"], "all");
        assert_eq!(whole.object()["in_challenge"], false);
    }

    #[test]
    fn a_wrong_result_is_said_with_its_place_its_proof_and_how_to_submit_it() {
        let wrong = verdict(attested(), Some(ELEMENT));
        insta::assert_snapshot!("wrong_element", wrong.text());
        insta::assert_snapshot!("wrong_element_json", pretty(&wrong));
    }

    #[test]
    fn a_wrong_length_is_proved_whatever_items_are_checked() {
        let length = Fault::Length {
            blob: BlobRef::Trace,
            claimed: 41,
            right: 40,
        };
        let text = verdict(attested(), Some(length)).text();
        assert!(text.contains("\nclaimed      41 bytes\nright        40 bytes\n"));
        assert!(text.contains("verify 7 --submit --key-file FILE"), "{text}");
    }

    #[test]
    fn a_sent_proof_is_said_with_who_was_convicted_and_what_the_challenger_got() {
        let mut sent = verdict(attested(), Some(ELEMENT));
        sent.sent = Some(Sent {
            assignment: assignment(),
            conviction: conviction(),
            included: json!({ "block": 16, "transaction": "0x12" }),
        });
        insta::assert_snapshot!("wrong_and_convicted", sent.text());
        insta::assert_snapshot!("wrong_and_convicted_json", pretty(&sent));
    }

    #[test]
    fn after_settlement_or_conviction_it_is_too_late_to_prove_anything() {
        let text = verdict(settled_job(settlement()), Some(ELEMENT)).text();
        let late = "over: job 7 is settled in block 19, it is too late to prove anything";
        assert!(text.ends_with(late), "{text}");
        let text = verdict(convicted_job(conviction()), Some(ELEMENT)).text();
        let late = "over: the worker of job 7 was convicted in block 16, there is nothing more to \
                    prove";
        assert!(text.ends_with(late), "{text}");
    }

    #[test]
    fn a_proof_that_fails_is_refused_with_what_it_cost() {
        let failure = failed(&FailedProof {
            why: "what it opens is as it must be",
            burned: 1_000_000_000_000,
        });
        assert_eq!(failure.kind, Kind::Refused);
        assert_eq!(
            failure.message,
            "the chain finds nothing proved: what it opens is as it must be; 1 MZN was burned"
        );
    }

    #[test]
    fn many_items_are_counted_and_few_are_named() {
        assert_eq!(named(&[4]), "item 4");
        assert_eq!(named(&[4, 9]), "items 4, 9");
        let many: Vec<u32> = (0..20).collect();
        assert_eq!(named(&many), "20 items");
    }
}
