//! A small job with all its bytes, right until a test changes them.

use super::{
    choosing::{Machine, SampledForm},
    full::{self, NoAdvice},
    gathering::{Source, SourceError},
    sampled::{self, Known},
    AuditError, Brief, DrawnSet, EarlierPass, Ruling, Subject,
};
use crate::small_job;
use mizan_client::Hash;
use mizan_engine::{
    audit::{AuditedJob, Tensors},
    CpuExecutor,
};
use mizan_tensor::{hash_bytes, write_slice, AuditScope, Blob, Exhibits};
use std::{
    collections::BTreeMap,
    fs::File,
    io::Write,
    sync::{
        atomic::{AtomicU64, Ordering},
        Arc,
    },
};

pub(super) const SEED: Hash = [7; 32];
const BATCH: u32 = 20;
const WIDTH: u32 = 600;

/// Blobs of which some may be missing.
#[derive(Debug, Default)]
pub(super) struct Blobs {
    blobs: BTreeMap<Hash, Vec<u8>>,
    /// Gives everything wrong.
    pub(super) lies: bool,
    /// What is missing may come.
    pub(super) may_pass: bool,
    /// How often it was asked.
    pub(super) asked: AtomicU64,
}

impl Blobs {
    pub(super) fn put(&mut self, bytes: &[u8]) -> Hash {
        let hash = hash_bytes(bytes);
        self.blobs.insert(hash, bytes.to_vec());
        hash
    }

    pub(super) fn remove(&mut self, hash: Hash) -> Vec<u8> {
        self.blobs.remove(&hash).unwrap()
    }

    pub(super) fn clear(&mut self) {
        self.blobs.clear();
    }

    fn find(&self, hash: Hash) -> Result<&Vec<u8>, SourceError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        self.blobs.get(&hash).ok_or(SourceError::Missing {
            reason: "it is not here".into(),
            may_pass: self.may_pass,
        })
    }
}

impl Source for Blobs {
    async fn slice(&self, blob: Blob, start: u64, length: u32) -> Result<Vec<u8>, SourceError> {
        let bytes = self.find(blob.hash)?;
        let mut slice = Vec::new();
        write_slice(&mut slice, bytes, start, length.into());
        if self.lies {
            slice.iter_mut().for_each(|byte| *byte ^= 1);
        }
        Ok(slice)
    }

    async fn whole(&self, hash: Hash, max_bytes: u64) -> Result<Vec<u8>, SourceError> {
        let bytes = self.find(hash)?;
        if bytes.len() as u64 > max_bytes {
            return Err(SourceError::Missing {
                reason: "it is too long".into(),
                may_pass: false,
            });
        }
        Ok(bytes.clone())
    }

    async fn file(&self, hash: Hash, max_bytes: u64) -> Result<(File, u64), SourceError> {
        let bytes = self.whole(hash, max_bytes).await?;
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        Ok((file, bytes.len() as u64))
    }

    async fn has(&self, hash: Hash) -> bool {
        self.blobs.contains_key(&hash)
    }

    async fn other_lengths(&self, blob: Blob) -> Vec<u64> {
        let found = self.blobs.get(&blob.hash).map(|bytes| bytes.len() as u64);
        // Somebody always lies.
        found.into_iter().chain([1 << 40]).collect()
    }
}

/// A job of two operations: a linear one, and its output added to its input.
pub(super) struct Fixture {
    pub(super) source: Blobs,
    pub(super) trace: Vec<u8>,
    subject: Subject,
    parameters: Vec<Vec<u8>>,
    input: Vec<u8>,
    output: Vec<u8>,
}

pub(super) fn noise(count: u32, seed: u8) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695);
        (state >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}

impl Fixture {
    pub(super) fn new() -> Self {
        let weights = noise(WIDTH * WIDTH, 1);
        let mut channels = noise(16 * WIDTH, 2);
        for record in channels.chunks_mut(16) {
            record[2..4].fill(0);
            record[5..8].fill(0);
            record[8] = 14;
        }
        let input = noise(WIDTH * BATCH, 3);
        let plan = small_job::plan(32, &weights, &channels);
        let made = mizan_tensor::execute(&plan, &[&weights, &channels], &[&input], BATCH).unwrap();
        let [output] = made.outputs.try_into().unwrap();
        let mut fixture = Self {
            source: Blobs::default(),
            trace: made.trace,
            subject: Subject {
                job: small_job::KEY.job,
                plan: Arc::new(plan),
                batch: BATCH,
                inputs: vec![hash_bytes(&input)],
                outputs: Vec::new(),
                trace: [0; 32],
            },
            parameters: vec![weights, channels],
            input,
            output,
        };
        fixture.claim();
        fixture
    }

    /// The worker claims what trace and output are now, and everything is to be had.
    fn claim(&mut self) {
        self.source = Blobs::default();
        for blob in self.parameters.iter().chain([&self.input]) {
            self.source.put(blob);
        }
        self.subject.trace = self.source.put(&self.trace);
        self.subject.outputs = vec![self.source.put(&self.output)];
    }

    /// A worker that computed an element wrongly and goes on with it.
    pub(super) fn with_wrong_element(operation: u16, index: u64) -> Self {
        let mut fixture = Self::new();
        let place = |of| fixture.subject.plan.trace_offset(of, BATCH).unwrap() + index;
        let (wrong, next) = (place(operation) as usize, place(1) as usize);
        fixture.trace[wrong] ^= 0x41;
        if operation == 0 {
            let plan = &fixture.subject.plan;
            let added = fixture.exhibit(|exhibits| {
                let tensors = Tensors {
                    plan,
                    parameters: exhibits.parameters,
                    job: AuditedJob {
                        inputs: exhibits.inputs,
                        batch: BATCH,
                        trace: exhibits.trace,
                    },
                };
                plan.element(1, index, BATCH, &tensors).unwrap()
            });
            fixture.trace[next] = added as u8;
        }
        let outputs = fixture.subject.plan.outputs(&fixture.trace, BATCH).unwrap();
        fixture.output = outputs[0].clone();
        fixture.claim();
        fixture
    }

    /// A worker that computed a whole operation wrongly.
    pub(super) fn with_wrong_operation() -> Self {
        let mut fixture = Self::new();
        let length = fixture.trace.len() / 2;
        fixture.trace[..length]
            .iter_mut()
            .for_each(|byte| *byte ^= 0x41);
        fixture.claim();
        fixture
    }

    /// A worker that publishes other outputs than it computed.
    pub(super) fn with_wrong_output(index: u64) -> Self {
        let mut fixture = Self::new();
        fixture.output[index as usize] ^= 1;
        fixture.claim();
        fixture
    }

    /// A worker whose trace has another length.
    pub(super) fn with_trace_of(length: usize) -> Self {
        let mut fixture = Self::new();
        fixture.trace.resize(length, 9);
        fixture.claim();
        fixture
    }

    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }

    pub(super) fn brief(&self, scope: AuditScope) -> Brief {
        Brief {
            subject: self.subject.clone(),
            own: DrawnSet { scope, seed: SEED },
            earlier: None,
        }
    }

    /// The brief of whoever was drawn after a pass with that receipt.
    pub(super) fn further(&self, scope: AuditScope, receipt: Hash) -> Brief {
        let earlier = EarlierPass {
            place: 0,
            set: DrawnSet {
                scope,
                seed: [8; 32],
            },
            receipt,
            slashed: false,
        };
        Brief {
            earlier: Some(earlier),
            ..self.brief(AuditScope::Sampled)
        }
    }

    /// The right accumulators of what is claimed, as a worker makes them.
    pub(super) fn accumulators(&self) -> Vec<Option<Vec<i32>>> {
        self.exhibit(|exhibits| {
            let executor = CpuExecutor::new();
            let model = executor.load_lazily(exhibits.plan, exhibits.parameters);
            let of = |operation| {
                let (inputs, trace) = (exhibits.inputs, exhibits.trace);
                model.accumulators(operation, inputs, exhibits.batch, trace)
            };
            vec![of(0).unwrap(), of(1).unwrap()]
        })
    }

    pub(super) fn exhibit<R>(&self, look: impl FnOnce(&Exhibits<'_>) -> R) -> R {
        let parameters: Vec<&[u8]> = self.parameters.iter().map(Vec::as_slice).collect();
        look(&Exhibits {
            plan: &self.subject.plan,
            batch: BATCH,
            parameters: &parameters,
            inputs: &[&self.input],
            trace: &self.trace,
            outputs: &[&self.output],
        })
    }

    /// What a first audit of that scope comes to.
    pub(super) async fn check(&self, scope: AuditScope) -> Ruling {
        self.check_again(&self.brief(scope), &mut Known::default())
            .await
    }

    pub(super) async fn check_again(&self, brief: &Brief, known: &mut Known) -> Ruling {
        self.try_to_check(brief, known, true).await.unwrap()
    }

    pub(super) async fn try_to_check(
        &self,
        brief: &Brief,
        known: &mut Known,
        executes: bool,
    ) -> Result<Ruling, AuditError> {
        let executor = CpuExecutor::new();
        if brief.is_full() {
            let machine = Machine {
                macs_per_second: 1 << 40,
                bytes_per_second: 1,
            };
            let source = &self.source;
            let checked = full::check(brief, source, known, &machine, &executor, &NoAdvice);
            return Ok(checked.await?.ruling);
        }
        let form = SampledForm { bytes: 0, executes };
        sampled::check(brief, &self.source, known, &form, &executor).await
    }
}
