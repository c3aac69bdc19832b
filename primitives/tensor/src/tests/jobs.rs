//! Small jobs with all their bytes, honest until a test changes them.

use crate::*;
use proptest::prelude::*;

/// Pseudo-random bytes: the high bytes of a linear congruential generator.
pub(super) fn noise(count: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5DEE_CE66;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// A job as its worker attests it: the hashes are always those of these bytes.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) plan: Plan,
    pub(super) batch: u32,
    pub(super) parameters: Vec<Vec<u8>>,
    pub(super) inputs: Vec<Vec<u8>>,
    pub(super) trace: Vec<u8>,
    pub(super) outputs: Vec<Vec<u8>>,
}

fn slices(blobs: &[Vec<u8>]) -> Vec<&[u8]> {
    blobs.iter().map(Vec::as_slice).collect()
}

impl Job {
    /// An honest job of a program, whose parameters get their hashes here.
    pub(super) fn honest(mut program: Program, batch: u32, seed: u64) -> Self {
        let mut parameters = Vec::new();
        for (i, parameter) in program.parameters.iter_mut().enumerate() {
            let bytes = parameter.tensor.bytes().unwrap() as usize;
            let mut bytes = noise(bytes, seed + 100 + i as u64);
            if parameter.tensor.element == ElementType::Channel {
                // Small multipliers and shifts of a size that leaves something to see.
                for record in bytes.chunks_mut(16) {
                    record[2..4].fill(0);
                    record[5..8].fill(0);
                    record[8] = 12 + record[8] % 8;
                }
            }
            parameter.hash = hash_bytes(&bytes);
            parameters.push(bytes);
        }
        let inputs: Vec<Vec<u8>> = (0u64..)
            .zip(&program.inputs)
            .map(|(i, input)| noise(input.bytes().unwrap() as usize * batch as usize, seed + i))
            .collect();
        let plan = Plan::new(program).unwrap();
        let execution = execute(&plan, &slices(&parameters), &slices(&inputs), batch).unwrap();
        Self {
            plan,
            batch,
            parameters,
            inputs,
            trace: execution.trace,
            outputs: execution.outputs,
        }
    }

    pub(super) fn with_referee<R>(&self, ask: impl FnOnce(&Referee) -> R) -> R {
        let hashes = |blobs: &[Vec<u8>]| -> Vec<Hash> {
            blobs.iter().map(|bytes| hash_bytes(bytes)).collect()
        };
        let (inputs, outputs) = (hashes(&self.inputs), hashes(&self.outputs));
        let claim = Claim {
            batch: self.batch,
            inputs: &inputs,
            outputs: &outputs,
            trace: &hash_bytes(&self.trace),
        };
        ask(&Referee::new(&self.plan, claim).unwrap())
    }

    pub(super) fn with_exhibits<R>(&self, ask: impl FnOnce(&Exhibits) -> R) -> R {
        ask(&Exhibits {
            plan: &self.plan,
            batch: self.batch,
            parameters: &slices(&self.parameters),
            inputs: &slices(&self.inputs),
            trace: &self.trace,
            outputs: &slices(&self.outputs),
        })
    }

    pub(super) fn judge(&self, what: &Accusation, proof: &[u8]) -> Result<Finding, RefereeError> {
        self.with_referee(|referee| referee.judge(what, proof))
    }

    pub(super) fn check(&self, what: &Request, answer: &[u8]) -> Result<Finding, RefereeError> {
        self.with_referee(|referee| referee.check_answer(what, answer))
    }

    pub(super) fn evidence(&self, what: &Accusation) -> Vec<u8> {
        self.with_exhibits(|exhibits| exhibits.evidence(what))
            .unwrap()
    }

    pub(super) fn answer(&self, what: &Request) -> Vec<u8> {
        self.with_exhibits(|exhibits| exhibits.answer(what))
            .unwrap()
    }

    pub(super) fn blob(&self, blob: BlobRef) -> &[u8] {
        match blob {
            BlobRef::Input(index) => &self.inputs[usize::from(index)],
            BlobRef::Parameter(index) => &self.parameters[usize::from(index)],
            BlobRef::Trace => &self.trace,
            BlobRef::Output(index) => &self.outputs[usize::from(index)],
        }
    }

    /// The outputs that belong to the trace as it is now.
    pub(super) fn publish(&mut self) {
        self.outputs = self.plan.outputs(&self.trace, self.batch).unwrap();
    }

    /// The accusation about a byte of the trace.
    pub(super) fn element_at(&self, place: usize) -> Accusation {
        let place = place as u64;
        let offset = |o: u16| self.plan.trace_offset(o, self.batch).unwrap();
        let operation = (0..self.plan.program().operations.len() as u16)
            .rev()
            .find(|o| offset(*o) <= place)
            .unwrap();
        Accusation::Element {
            operation,
            index: place - offset(operation),
        }
    }
}

/// A program of two inputs of `k` bytes an item. Each step is an operation: its kind, and its
/// width where the kind leaves it free.
pub(super) fn program(k: u32, steps: &[(u8, u32)]) -> Program {
    let mut program = Program {
        format: FORMAT,
        owner: [1; 32],
        max_batch: 8,
        inputs: vec![TensorType::i8(&[k]); 2],
        parameters: Vec::new(),
        tables: vec![Table::from_fn(|x| x.wrapping_mul(3))],
        operations: Vec::new(),
        outputs: Vec::new(),
    };
    let (mut last, mut wide) = (Operand::Input(0), k);
    for (i, (kind, n)) in steps.iter().enumerate() {
        let table = (kind % 3 == 0).then_some(0);
        if kind % 2 == 0 {
            let weights = program.parameters.len() as u16;
            for tensor in [TensorType::i8(&[*n, wide]), TensorType::channels(*n)] {
                let hash = [0; 32];
                program.parameters.push(Parameter { hash, tensor });
            }
            program.operations.push(Operation::Linear {
                input: last,
                weights,
                channels: weights + 1,
                table,
            });
            wide = *n;
        } else {
            let right = if wide == k { Operand::Input(1) } else { last };
            program.operations.push(Operation::Add {
                left: last,
                right,
                left_multiplier: 3,
                right_multiplier: -5,
                shift: 2,
                table,
            });
        }
        last = Operand::Operation(i as u16);
    }
    program.outputs = vec![steps.len() as u16 - 1];
    if steps.len() > 1 {
        program.outputs.push(0);
    }
    program
}

/// Two linear layers and two additions; K = 1,500 is no multiple of a chunk, and trace,
/// weights and channels have several chunks.
pub(super) fn fixed_job() -> Job {
    let steps = [(1, 0), (2, 130), (1, 0), (0, 700)];
    Job::honest(program(1_500, &steps), 3, 11)
}

/// Jobs of one to four operations.
pub(super) fn any_job() -> impl Strategy<Value = Job> {
    let k = prop_oneof![1u32..2_300, Just(1_024), Just(2_048), Just(1_025), Just(1)];
    let steps = prop::collection::vec((0u8..6, 1u32..400), 1..5);
    (k, steps, 1u32..=8, 0u64..1_000)
        .prop_map(|(k, steps, batch, seed)| Job::honest(program(k, &steps), batch, seed))
}
