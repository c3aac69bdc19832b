//! Saying how an attested job ended.

use crate::{journal::Key, metrics::Outcome, standing::Ending};
use mizan_client::{
    disputes::{Conviction, Demanded, Grounds},
    units,
    views::JobView,
};
use tracing::{error, info};

const REFUSED_MEND: &str = "see that this worker reaches the blob servers that jobs name, and \
whether they took the result (`delivered` in this log); results of up to 1 MiB can't be refused";

impl Ending {
    /// What figures count it as.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Settled => Outcome::Settled,
            Self::Convicted(_) => Outcome::Convicted,
            Self::Refused => Outcome::Refused,
            Self::Unpaid => Outcome::Unpaid,
        }
    }

    /// Writes it to the log: why, what was lost and what to do, if anything was.
    pub(crate) fn log(&self, key: Key, job: Option<&JobView>) {
        let (job_id, step) = (key.job, self.outcome().name());
        match self {
            Self::Settled | Self::Unpaid => info!(job = job_id, %step, "job"),
            Self::Convicted(conviction) => {
                let lost = conviction.rewarded.saturating_add(conviction.burned);
                error!(
                    job = job_id,
                    %step,
                    grounds = %grounds(conviction),
                    lost = %units::format_amount(lost),
                    block = conviction.convicted_block,
                    mend = %mend(&conviction.grounds),
                    "convicted"
                );
            }
            Self::Refused => {
                let assignment = job.and_then(|job| job.state.assignment());
                let payment = assignment.map_or(0, |assignment| assignment.payment);
                error!(
                    job = job_id,
                    %step,
                    grounds = "the requester says that the result was not delivered",
                    lost = %units::format_amount(payment),
                    mend = REFUSED_MEND,
                    "refused"
                );
            }
        }
    }
}

/// Why a worker was convicted.
fn grounds(conviction: &Conviction) -> String {
    match &conviction.grounds {
        Grounds::WrongElement { operation, index } => {
            format!("element {index} of operation {operation} is wrong")
        }
        Grounds::WrongOutput { output, index } => {
            format!("byte {index} of output {output} differs from the trace")
        }
        Grounds::WrongLength { blob, length } => {
            format!("{blob} has the wrong length of {length} bytes")
        }
        Grounds::SecondAttestation => "two results were signed for one assignment".into(),
        Grounds::Unanswered { request } => {
            format!("nobody answered a demand for {}", demanded(request))
        }
    }
}

/// What a demand asks for, in words.
pub(crate) fn demanded(request: &Demanded) -> String {
    match request {
        Demanded::Chunks { blob, first, count } => {
            format!("{count} chunks of {blob} from chunk {first} on")
        }
        Demanded::Nodes { blob, level, index } => {
            format!("what is below node {index} of level {level} of {blob}")
        }
        Demanded::Element { operation, index } => {
            format!("the opening of element {index} of operation {operation}")
        }
    }
}

fn mend(grounds: &Grounds) -> &'static str {
    match grounds {
        Grounds::WrongElement { .. }
        | Grounds::WrongOutput { .. }
        | Grounds::WrongLength { .. } => {
            "the hardware is faulty: run `mizan-worker doctor` and a memory test, and mend it \
             before the worker is registered again"
        }
        Grounds::SecondAttestation => {
            "another process has this key, or the journal was lost: stop it, make a new key, and \
             register that"
        }
        Grounds::Unanswered { .. } => {
            "see this log for why it was not answered; keep the worker running and connected, and \
             its blobs whole, until its jobs settle"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grounds_say_what_was_wrong() {
        let table = [
            (
                Grounds::WrongElement {
                    operation: 2,
                    index: 7,
                },
                "element 7 of operation 2",
            ),
            (
                Grounds::WrongOutput {
                    output: 1,
                    index: 9,
                },
                "byte 9 of output 1",
            ),
            (
                Grounds::WrongLength {
                    blob: "trace".into(),
                    length: 5,
                },
                "trace has the wrong length of 5 bytes",
            ),
            (Grounds::SecondAttestation, "two results"),
            (
                Grounds::Unanswered {
                    request: Demanded::Chunks {
                        blob: "input:0".into(),
                        first: 3,
                        count: 2,
                    },
                },
                "2 chunks of input:0 from chunk 3 on",
            ),
        ];
        for (grounds, words) in table {
            let conviction = Conviction {
                grounds,
                challenger: None,
                rewarded: 0,
                burned: 1,
                refunded: 1,
                convicted_block: 1,
            };
            let said = super::grounds(&conviction);
            assert!(said.contains(words), "{said}");
        }
    }
}
