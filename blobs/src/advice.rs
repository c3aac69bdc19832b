//! Advice lists: under which names the accumulators of a job's result can be had.
//!
//! Nobody commits to accumulators, so nobody could ask for them without being told their hashes.
//! Nothing in a list needs trust: an auditor checks accumulators before it believes them.

use crate::{hex_hash, name::parse_name, Hash};
use mizan_tensor::{Operation, Plan, TensorRef, MAX_OPERATIONS};
use serde::{Deserialize, Deserializer};

/// The longest list: 125 bytes for each of 4,096 operations, and what is around them.
pub const MAX_ADVICE_LIST_BYTES: u64 = 512 << 10;
/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;
/// Bytes of an accumulator.
const ACCUMULATOR_BYTES: u64 = 4;

/// The accumulators of one linear operation: 32-bit integers, little-endian, in the order of the
/// operation's output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accumulators {
    /// The operation.
    pub operation: u16,
    /// Name of the blob that they are.
    #[serde(deserialize_with = "read_hash")]
    pub hash: Hash,
    /// Its length.
    pub bytes: u64,
}

/// The accumulators of a job's result, as far as somebody has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AdviceList(Vec<Accumulators>);

/// Why something is not an advice list, or not one of that job.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdviceListError {
    /// It can't be read.
    #[error("this is not an advice list: {0}")]
    Malformed(String),
    /// It is of a version that is not known here.
    #[error("advice lists of version {0} are not known here, only those of version 1")]
    Version(u32),
    /// It is longer than any program.
    #[error("an advice list has at most {MAX_OPERATIONS} operations, this has {0}")]
    TooMany(usize),
    /// An operation stands twice, or out of order.
    #[error("the operations of an advice list ascend, {0} does not")]
    Unordered(u16),
    /// The job has no such accumulators.
    #[error("operation {operation} of the job has no accumulators of {bytes} bytes")]
    NotOfTheJob {
        /// The operation that the list names.
        operation: u16,
        /// The length that the list names.
        bytes: u64,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    accumulators: Vec<Accumulators>,
}

impl AdviceList {
    /// A list of these, in ascending order of operations.
    pub fn new(accumulators: Vec<Accumulators>) -> Result<Self, AdviceListError> {
        if accumulators.len() > usize::try_from(MAX_OPERATIONS).unwrap_or(usize::MAX) {
            return Err(AdviceListError::TooMany(accumulators.len()));
        }
        let mut pairs = accumulators.iter().zip(accumulators.iter().skip(1));
        match pairs.find(|(one, next)| one.operation >= next.operation) {
            Some((_, next)) => Err(AdviceListError::Unordered(next.operation)),
            None => Ok(Self(accumulators)),
        }
    }

    /// What it names.
    pub fn accumulators(&self) -> &[Accumulators] {
        &self.0
    }

    /// The list as servers keep it.
    pub fn encode(&self) -> Vec<u8> {
        let named = self.0.iter().map(|named| {
            let hash = hex_hash(&named.hash);
            let (operation, bytes) = (named.operation, named.bytes);
            format!("{{\"operation\":{operation},\"hash\":\"{hash}\",\"bytes\":{bytes}}}")
        });
        let named = named.collect::<Vec<_>>().join(",");
        format!("{{\"version\":{VERSION},\"accumulators\":[{named}]}}").into_bytes()
    }

    /// Reads what [`encode`](Self::encode) wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, AdviceListError> {
        let Written {
            version,
            accumulators,
        } = serde_json::from_slice(bytes)
            .map_err(|error| AdviceListError::Malformed(error.to_string()))?;
        if version != VERSION {
            return Err(AdviceListError::Version(version));
        }
        Self::new(accumulators)
    }

    /// Whether a job of that program and batch has such accumulators. Their bytes may be wrong all
    /// the same.
    pub fn check(&self, plan: &Plan, batch: u32) -> Result<(), AdviceListError> {
        for named in &self.0 {
            if accumulator_bytes(plan, named.operation, batch) != Some(named.bytes) {
                return Err(AdviceListError::NotOfTheJob {
                    operation: named.operation,
                    bytes: named.bytes,
                });
            }
        }
        Ok(())
    }
}

/// Bytes of an operation's accumulators; `None` where it has none.
pub fn accumulator_bytes(plan: &Plan, operation: u16, batch: u32) -> Option<u64> {
    let body = plan.program().operations.get(usize::from(operation))?;
    let Operation::Linear { .. } = body else {
        return None;
    };
    // An element of the output is one byte.
    let elements = plan.tensor_bytes(TensorRef::Operation(operation), batch)?;
    elements.checked_mul(ACCUMULATOR_BYTES)
}

fn read_hash<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Hash, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_name(&text).ok_or_else(|| serde::de::Error::custom("a hash is 64 hex digits"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_tensor::{Operand, Parameter, Program, TensorType, FORMAT};

    fn of(operation: u16, bytes: u64) -> Accumulators {
        Accumulators {
            operation,
            hash: [7; 32],
            bytes,
        }
    }

    /// Ten inputs, a linear operation with six outputs, and these added to themselves.
    fn plan() -> Plan {
        let parameter = |tensor| Parameter {
            hash: [1; 32],
            tensor,
        };
        Plan::new(Program {
            format: FORMAT,
            owner: [0; 32],
            max_batch: 8,
            inputs: vec![TensorType::i8(&[10])],
            parameters: vec![
                parameter(TensorType::i8(&[6, 10])),
                parameter(TensorType::channels(6)),
            ],
            tables: Vec::new(),
            operations: vec![
                Operation::Linear {
                    input: Operand::Input(0),
                    weights: 0,
                    channels: 1,
                    table: None,
                },
                Operation::Add {
                    left: Operand::Operation(0),
                    right: Operand::Operation(0),
                    left_multiplier: 1,
                    right_multiplier: 1,
                    shift: 1,
                    table: None,
                },
            ],
            outputs: vec![1],
        })
        .unwrap()
    }

    #[test]
    fn a_written_list_is_read_back() {
        for list in [vec![], vec![of(0, 24)], vec![of(3, 8), of(4_095, u64::MAX)]] {
            let list = AdviceList::new(list).unwrap();
            assert_eq!(AdviceList::decode(&list.encode()), Ok(list));
        }
    }

    #[test]
    fn the_longest_list_is_within_the_limit() {
        let all = (60_000..)
            .take(4_096)
            .map(|operation| of(operation, u64::MAX));
        let list = AdviceList::new(all.collect()).unwrap();
        let bytes = list.encode().len() as u64;
        assert!(bytes <= MAX_ADVICE_LIST_BYTES, "{bytes}");
    }

    #[test]
    fn other_versions_and_what_is_no_list_are_refused() {
        let text = |version: u32, rest: &str| {
            let text = format!("{{\"version\":{version},\"accumulators\":[{rest}]}}");
            AdviceList::decode(text.as_bytes())
        };
        assert_eq!(text(1, ""), Ok(AdviceList::default()));
        assert_eq!(text(2, ""), Err(AdviceListError::Version(2)));
        for bad in [
            "1",
            "{}",
            "{\"operation\":0,\"hash\":\"0x00\",\"bytes\":1}",
            "{\"operation\":70000,\"hash\":\"\",\"bytes\":1}",
        ] {
            let refused = text(1, bad).unwrap_err();
            assert!(matches!(refused, AdviceListError::Malformed(_)), "{bad}");
        }
        let refused = AdviceList::decode(b"garbage").unwrap_err();
        assert!(matches!(refused, AdviceListError::Malformed(_)));
    }

    #[test]
    fn operations_ascend_and_are_no_more_than_a_program_has() {
        let refused = |list| AdviceList::new(list).unwrap_err();
        assert_eq!(
            refused(vec![of(1, 4), of(1, 4)]),
            AdviceListError::Unordered(1)
        );
        assert_eq!(
            refused(vec![of(2, 4), of(1, 4)]),
            AdviceListError::Unordered(1)
        );
        let many = (0..).take(4_097).map(|operation| of(operation, 4));
        assert_eq!(refused(many.collect()), AdviceListError::TooMany(4_097));
    }

    #[test]
    fn a_list_names_linear_operations_of_the_job_with_their_lengths() {
        let check = |list| AdviceList::new(list).unwrap().check(&plan(), 3);
        // Six channels of three items of four bytes.
        assert_eq!(check(vec![of(0, 72)]), Ok(()));
        assert_eq!(check(vec![]), Ok(()));
        for (operation, bytes) in [(0, 71), (0, 24), (1, 72), (2, 72)] {
            let refused = AdviceListError::NotOfTheJob { operation, bytes };
            assert_eq!(check(vec![of(operation, bytes)]), Err(refused));
        }
    }
}
