//! Golden vectors: one-operation programs with the outputs that they must have.
//!
//! They come from `vectors/generate.py`, an implementation of its own in unbounded integers, and
//! are run by every executor: this crate's, the chain's WASM, and the engine's.
//!
//! A line of the file is an operation and its fields. Tensors are given as `const:V`, one byte
//! repeated, or `lcg:SEED`, the top bytes of Knuth's MMIX linear congruential generator.

use crate::{ElementType, Operand, Operation, Parameter, Program, Table, TensorType, FORMAT};
use std::collections::BTreeMap;

/// A program, the bytes to run it on, and what must come out.
#[derive(Clone, Debug)]
pub struct Vector {
    /// The line of the file, without the outputs: names the vector in a failure.
    pub name: String,
    /// A program of one operation.
    pub program: Program,
    /// Items in the batch.
    pub batch: u32,
    /// Its inputs.
    pub inputs: Vec<Vec<u8>>,
    /// Its parameters.
    pub parameters: Vec<Vec<u8>>,
    /// Its trace, which is also its only output.
    pub trace: Vec<u8>,
}

/// All vectors, or the number of the first line of the file that can't be read.
pub fn all() -> Result<Vec<Vector>, usize> {
    let lines = include_str!("../vectors/elements.txt").lines().enumerate();
    lines
        .filter(|(_, line)| !line.starts_with('#'))
        .map(|(number, line)| parse(line).ok_or(number.saturating_add(1)))
        .collect()
}

struct Fields<'a>(BTreeMap<&'a str, &'a str>);

impl Fields<'_> {
    fn number<T: core::str::FromStr>(&self, name: &str) -> Option<T> {
        self.0.get(name)?.parse().ok()
    }

    fn tensor(&self, name: &str, count: u32) -> Option<Vec<u8>> {
        fill(self.0.get(name)?, count)
    }

    fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        let digits = self.0.get(name)?.as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok();
        digits.chunks(2).map(byte).collect()
    }

    fn table(&self) -> Option<Vec<Table>> {
        match *self.0.get("table")? {
            "none" => Some(Vec::new()),
            kind => {
                let bytes = fill(kind, 256)?;
                Some(vec![Table::from_fn(|x| {
                    let [byte] = x.to_le_bytes();
                    i8::from_le_bytes([bytes.get(usize::from(byte)).copied().unwrap_or_default()])
                })])
            }
        }
    }
}

/// The bytes of a tensor given as `const:V` or `lcg:SEED`.
fn fill(kind: &str, count: u32) -> Option<Vec<u8>> {
    let (name, value) = kind.split_once(':')?;
    if name == "const" {
        let [byte] = value.parse::<i8>().ok()?.to_le_bytes();
        return Some(vec![byte; usize::try_from(count).ok()?]);
    }
    let mut state: u64 = value.parse().ok()?;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let [byte, ..] = state.to_be_bytes();
        byte
    };
    Some((0..count).map(|_| next()).collect())
}

fn parse(line: &str) -> Option<Vector> {
    let (operation, rest) = line.split_once(' ')?;
    let fields = Fields(
        rest.split(' ')
            .map(|field| field.split_once('='))
            .collect::<Option<_>>()?,
    );
    let (batch, n) = (fields.number::<u32>("batch")?, fields.number::<u32>("n")?);
    let tables = fields.table()?;
    let table = (!tables.is_empty()).then_some(0);
    let (inputs, parameters, types, operation) = match operation {
        "linear" => {
            let k = fields.number::<u32>("k")?;
            let inputs = vec![(fields.tensor("x", batch.checked_mul(k)?)?, k)];
            let parameters = vec![
                fields.tensor("w", n.checked_mul(k)?)?,
                fields.bytes("channels")?,
            ];
            let types = vec![TensorType::i8(&[n, k]), TensorType::channels(n)];
            let operation = Operation::Linear {
                input: Operand::Input(0),
                weights: 0,
                channels: 1,
                table,
            };
            (inputs, parameters, types, operation)
        }
        "add" => {
            let count = batch.checked_mul(n)?;
            let inputs = vec![
                (fields.tensor("a", count)?, n),
                (fields.tensor("b", count)?, n),
            ];
            let operation = Operation::Add {
                left: Operand::Input(0),
                right: Operand::Input(1),
                left_multiplier: fields.number("ma")?,
                right_multiplier: fields.number("mb")?,
                shift: fields.number("shift")?,
                table,
            };
            (inputs, Vec::new(), Vec::new(), operation)
        }
        _ => return None,
    };
    let named = parameters.iter().zip(types);
    let program = Program {
        format: FORMAT,
        owner: [0; 32],
        max_batch: batch,
        inputs: inputs
            .iter()
            .map(|(_, width)| TensorType {
                element: ElementType::I8,
                dimensions: vec![*width],
            })
            .collect(),
        parameters: named
            .map(|(bytes, tensor)| Parameter {
                hash: crate::hash_bytes(bytes),
                tensor,
            })
            .collect(),
        tables,
        operations: vec![operation],
        outputs: vec![0],
    };
    Some(Vector {
        name: line.split(" out=").next()?.chars().take(200).collect(),
        program,
        batch,
        inputs: inputs.into_iter().map(|(bytes, _)| bytes).collect(),
        parameters,
        trace: fields.bytes("out")?,
    })
}
