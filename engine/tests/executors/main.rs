//! One test body over all executors: every byte of trace and outputs is the reference's.

#[cfg(all(feature = "cuda", target_os = "linux"))]
#[path = "../cuda/fixture.rs"]
#[allow(dead_code)]
mod fixture;
mod jobs;

use jobs::{linear_job, random_job, slices, Job, Random};
use mizan_engine::{CpuExecutor, EngineError, Executor, Reference};
use mizan_tensor::{vectors, Commitment, Execution, ExecutionError, Plan, TensorRef};
use proptest::prelude::*;
use std::{collections::BTreeSet, path::Path, sync::LazyLock};

/// The executor for devices, on kernels as plain loops behind a driver that the tests build: what
/// is done around kernels. `tests/cuda` is about the kernels themselves.
#[cfg(all(feature = "cuda", target_os = "linux"))]
fn device() -> Option<Box<dyn Executor>> {
    use mizan_engine::cuda::{CudaExecutor, CudaSettings};
    static STARTED: LazyLock<CudaExecutor> = LazyLock::new(|| {
        fixture::started(CudaSettings {
            slot_bytes: 1 << 20,
            least_hashed_bytes: 1,
            ..fixture::driver("devices=2")
        })
    });
    Some(Box::new(STARTED.clone()))
}

#[cfg(not(all(feature = "cuda", target_os = "linux")))]
fn device() -> Option<Box<dyn Executor>> {
    None
}

/// Every executor, each also with so little workspace that almost every row is a block, and with
/// a cache of weights that holds everything, little, or nothing.
fn executors() -> Vec<Box<dyn Executor>> {
    let mut all: Vec<Box<dyn Executor>> = vec![Box::new(Reference)];
    for executor in CpuExecutor::of_every_kind() {
        all.push(Box::new(executor.clone()));
        let small = executor.workspace_bytes(400);
        all.push(Box::new(small.clone().cache_bytes(20_000)));
        all.push(Box::new(small.cache_bytes(0)));
    }
    all.extend(device());
    all
}

/// The same for all jobs of a test file's run, so that jobs find what others left in the cache.
static SHARED: LazyLock<CpuExecutor> = LazyLock::new(|| CpuExecutor::new().cache_bytes(1 << 20));

impl Job {
    /// Executes on everything, with a cold cache and a warm one and with the model loaded ahead;
    /// all results must be the first one's.
    fn assert_all_agree(&self, label: &str) -> Execution {
        let expected = self.execute(&Reference).unwrap();
        for executor in executors() {
            for cache in ["cold", "warm"] {
                let result = self.execute(executor.as_ref()).unwrap();
                let name = executor.name();
                assert!(result == expected, "{name}, {cache}, differs on {label}");
            }
            let (result, commitment) = self.commit(executor.as_ref()).unwrap();
            assert!(result == expected && commitment == Commitment::to(&expected));
        }
        let result = self.execute(&*SHARED).unwrap();
        assert!(result == expected, "the shared executor differs on {label}");
        let (parameters, inputs) = (slices(&self.parameters), slices(&self.inputs));
        for executor in CpuExecutor::of_every_kind() {
            let model = executor.load(&self.plan, &parameters).unwrap();
            for _ in 0..2 {
                let result = model.execute(&inputs, self.batch).unwrap();
                assert!(result == expected, "the loaded model differs on {label}");
            }
        }
        expected
    }
}

#[test]
fn golden_vectors_hold_on_every_executor() {
    for vector in vectors::all().unwrap() {
        let plan = Plan::new(vector.program).unwrap();
        let (parameters, inputs) = (vector.parameters, vector.inputs);
        let job = Job {
            plan,
            parameters,
            inputs,
            batch: vector.batch,
        };
        for executor in executors() {
            let result = job.execute(executor.as_ref()).unwrap();
            assert_eq!(
                result.trace,
                vector.trace,
                "{} on {}",
                executor.name(),
                vector.name
            );
            assert!(result.outputs.len() == 1 && result.outputs[0] == vector.trace);
        }
    }
}

#[test]
fn longest_reductions_of_extremes_are_exact() {
    for (weight, input) in [(0x80, 0x80), (0x80, 0x7f), (0x7f, 0x80), (0x7f, 0x7f)] {
        // One row and several: the library has another routine for one.
        for batch in [1, 5] {
            let job = linear_job(batch, 3, 65_536, weight, input);
            job.assert_all_agree(&format!("{weight:#x} times {input:#x}, batch {batch}"));
        }
    }
}

#[test]
fn products_around_the_sizes_of_blocks_are_exact() {
    let shapes = [
        (63, 31, 1_023),
        (64, 33, 1_024),
        (65, 131, 1_025),
        (130, 520, 65),
        (2, 70, 2_049),
    ];
    for (batch, n, k) in shapes {
        let mut random = Random(u64::from(k));
        let weights = random.bytes(u64::from(n * k));
        let mut job = linear_job(batch, n, k, 0, 0).with_parameter(0, weights);
        job.inputs[0] = random.bytes(u64::from(batch * k));
        job.assert_all_agree(&format!("batch {batch}, {n} x {k}"));
    }
}

#[test]
fn digits_model_gives_the_same_trace_on_every_executor() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tools/digits/model");
    let model = mizan_digits::load_model(&folder).unwrap();
    let held_out = mizan_digits::dataset().held_out;
    let job = Job {
        plan: Plan::new(model.program).unwrap(),
        parameters: model.parameters,
        inputs: vec![mizan_digits::input_bytes(held_out.images())],
        batch: 360,
    };
    let result = job.assert_all_agree("the digits");
    assert_eq!(
        mizan_digits::accuracy(&result.outputs[0], held_out.labels()),
        349
    );
}

#[test]
fn jobs_that_do_not_fit_the_program_are_refused_alike() {
    let job = linear_job(2, 3, 4, 1, 1);
    let (weights, channels) = (&job.parameters[0][..], &job.parameters[1][..]);
    for executor in executors() {
        let refused = |parameters: &[&[u8]], inputs: &[&[u8]], batch| {
            executor
                .execute(&job.plan, parameters, inputs, batch)
                .unwrap_err()
        };
        let both = [weights, channels];
        let input: &[u8] = &[0; 8];
        let wrong = |tensor| EngineError::from(ExecutionError::WrongLength(tensor));
        assert_eq!(
            refused(&both, &[input], 0),
            ExecutionError::BatchOutOfRange.into()
        );
        assert_eq!(
            refused(&both, &[input], 3),
            ExecutionError::BatchOutOfRange.into()
        );
        assert_eq!(refused(&both, &[], 2), ExecutionError::WrongCount.into());
        assert_eq!(
            refused(&both[1..], &[input], 2),
            ExecutionError::WrongCount.into()
        );
        assert_eq!(
            refused(&both, &[&input[1..]], 2),
            wrong(TensorRef::Input(0))
        );
        let short = [weights, &channels[1..]];
        assert_eq!(refused(&short, &[input], 2), wrong(TensorRef::Parameter(1)));
    }
}

#[test]
fn parameters_that_do_not_fit_the_program_are_not_loaded() {
    let job = linear_job(2, 3, 4, 1, 1);
    let (weights, channels) = (&job.parameters[0][..], &job.parameters[1][..]);
    let executor = CpuExecutor::new();
    let refused = |parameters: &[&[u8]]| executor.load(&job.plan, parameters).unwrap_err();
    assert_eq!(refused(&[weights]), ExecutionError::WrongCount.into());
    assert_eq!(
        refused(&[&weights[1..], channels]),
        ExecutionError::WrongLength(TensorRef::Parameter(0)).into()
    );
    let parameters = [weights, channels];
    let model = executor.load(&job.plan, &parameters).unwrap();
    assert_eq!(
        model.execute(&[&[0; 8]], 3).unwrap_err(),
        ExecutionError::BatchOutOfRange.into()
    );
}

#[test]
fn weights_are_found_by_their_bytes_and_not_by_the_hash_that_the_program_names() {
    let mut job = linear_job(5, 33, 70, 3, 7);
    let executor = CpuExecutor::new();
    let honest = job.execute(&executor).unwrap();
    // Same plan, same hashes in it, same place in memory, other bytes.
    job.parameters[0].fill(0xfd);
    let other = job.execute(&executor).unwrap();
    assert!(other == job.execute(&Reference).unwrap());
    assert!(other != honest);
}

#[test]
fn the_cache_keeps_to_its_budget_and_clones_share_it() {
    let jobs: Vec<Job> = (1..=6).map(|w| linear_job(4, 256, 256, w, 5)).collect();
    let first = CpuExecutor::new();
    jobs[0].execute(&first).unwrap();
    // Room for three: how much one takes depends on the machine.
    let budget = 3 * first.cached_bytes() + 1;
    let executor = CpuExecutor::new().cache_bytes(budget);
    let mut before = 0;
    for (kept, job) in jobs.iter().enumerate() {
        assert!(job.execute(&executor).unwrap() == job.execute(&Reference).unwrap());
        let bytes = executor.cached_bytes();
        assert!(bytes <= budget);
        assert_eq!(bytes > before, kept < 3, "after job {kept}");
        before = bytes;
    }
    assert_eq!(executor.clone().cached_bytes(), before);
    assert_eq!(executor.clone().cache_bytes(budget).cached_bytes(), 0);
    let none = CpuExecutor::new().cache_bytes(0);
    jobs[0].execute(&none).unwrap();
    assert_eq!(none.cached_bytes(), 0);
}

#[test]
fn jobs_at_once_share_an_executor() {
    let jobs: Vec<Job> = (0..4).map(|seed| random_job(seed, 9, 5)).collect();
    // Room for some of the weights: jobs push each other's out all the time.
    let executor = CpuExecutor::new().cache_bytes(60_000);
    let expected: Vec<Execution> = jobs
        .iter()
        .map(|job| job.execute(&Reference).unwrap())
        .collect();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (jobs, expected, executor) = (&jobs, &expected, &executor);
            scope.spawn(move || {
                for turn in 0..20 {
                    let index = (thread + turn) % jobs.len();
                    assert!(jobs[index].execute(executor).unwrap() == expected[index]);
                }
            });
        }
    });
}

#[test]
fn executors_have_distinct_names() {
    assert_eq!(Reference.name(), "reference");
    assert_eq!(CpuExecutor::with_exact_split().name(), "cpu-exact-split");
    let kinds = CpuExecutor::of_every_kind();
    let names: BTreeSet<&str> = kinds.iter().map(Executor::name).collect();
    assert_eq!(names.len(), kinds.len());
    assert_eq!(kinds[0].name(), CpuExecutor::new().name());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn random_programs_agree(seed: u64, batch in 1u32..=17, operations in 1usize..=6) {
        random_job(seed, batch, operations).assert_all_agree("a random program");
    }
}
