use super::{
    executor::{Accelerator, DeviceExecutor},
    report::{notices, Notice},
    *,
};
use mizan_engine::{
    cuda::{DeviceError, DeviceInfo, DeviceStatus, KernelFamily},
    EngineError, Executor, Reference,
};
use mizan_tensor::{vectors, Commitment, Execution, Plan};
use std::{sync::Mutex, time::Duration};

/// A device that works.
pub(crate) fn status(index: u32) -> DeviceStatus {
    DeviceStatus {
        info: DeviceInfo {
            index,
            uuid: [index as u8; 16],
            name: "Card".into(),
            capability: (8, 6),
            processors: 2,
            memory_bytes: 8 << 30,
            driver: 12_040,
            clock_khz: 1_695_000,
        },
        family: Some(KernelFamily::Mma16x8x32),
        given_up: Vec::new(),
        fault: None,
        retired: false,
        restarts: 0,
        last_failure: None,
    }
}

fn wrong() -> DeviceError {
    DeviceError::ResultCheckFailed { operation: 3 }
}

fn lost() -> DeviceError {
    DeviceError::DeviceLost("CUDA_ERROR_ILLEGAL_ADDRESS (700)".into())
}

/// Devices that fail so, or compute as they should.
#[derive(Clone)]
struct Devices {
    failure: Option<EngineError>,
    statuses: Arc<Mutex<Vec<DeviceStatus>>>,
}

impl Devices {
    fn new(failure: Option<EngineError>) -> Self {
        Self {
            failure,
            statuses: Arc::new(Mutex::new(vec![status(0), status(1)])),
        }
    }

    fn change(&self, change: impl Fn(&mut DeviceStatus)) {
        change(&mut self.statuses.lock().unwrap()[1]);
    }
}

impl Accelerator for Devices {
    fn statuses(&self) -> Vec<DeviceStatus> {
        self.statuses.lock().unwrap().clone()
    }
}

impl Executor for Devices {
    fn name(&self) -> &str {
        "devices"
    }

    fn execute(
        &self,
        plan: &Plan,
        parameters: &[&[u8]],
        inputs: &[&[u8]],
        batch: u32,
    ) -> Result<Execution, EngineError> {
        match &self.failure {
            Some(failure) => Err(failure.clone()),
            None => Reference.execute(plan, parameters, inputs, batch),
        }
    }
}

fn with(devices: &Devices) -> (DeviceExecutor, Arc<Metrics>) {
    let metrics = Arc::new(Metrics::new().unwrap());
    let devices = Box::new(devices.clone());
    let executor = DeviceExecutor::new(devices, CpuExecutor::new(), metrics.clone());
    (executor, metrics)
}

type Executed = Result<(Execution, Commitment), EngineError>;

fn execute(executor: &dyn Executor) -> Result<bool, EngineError> {
    on_first_vector(|plan, parameters, inputs, batch| {
        executor.execute_committed(plan, parameters, inputs, batch)
    })
}

/// Executes the first golden vector, of which the result is known.
fn on_first_vector(
    execute: impl Fn(&Plan, &[&[u8]], &[&[u8]], u32) -> Executed,
) -> Result<bool, EngineError> {
    let vector = vectors::all().unwrap().remove(0);
    let plan = Plan::new(vector.program.clone()).unwrap();
    let parameters: Vec<&[u8]> = vector.parameters.iter().map(Vec::as_slice).collect();
    let inputs: Vec<&[u8]> = vector.inputs.iter().map(Vec::as_slice).collect();
    let (execution, commitment) = execute(&plan, &parameters, &inputs, vector.batch)?;
    assert_eq!(commitment, Commitment::to(&execution));
    Ok(execution.trace == vector.trace)
}

#[test]
fn what_devices_can_do_they_do() {
    let (executor, metrics) = with(&Devices::new(None));
    assert_eq!(execute(&executor), Ok(true));
    assert_eq!(executor.name(), "devices");
    assert_eq!(metrics.devices.fallbacks.get(), 0);
    assert_eq!(metrics.devices.usable.get(), 2);
}

#[test]
fn whatever_a_device_fails_with_the_processor_does_the_job() {
    let failures = [
        DeviceError::DriverMissing("removed".into()),
        DeviceError::NoDevice,
        DeviceError::OutOfMemory { bytes: 7 },
        DeviceError::TooLarge { bytes: 7, limit: 5 },
        DeviceError::Unsupported { operation: 0 },
        DeviceError::TimedOut { seconds: 60 },
        DeviceError::ProcessEnded("signal: 9".into()),
        lost(),
        wrong(),
        DeviceError::SelfCheckFailed {
            program: "add".into(),
        },
    ];
    for failure in failures {
        let (executor, metrics) = with(&Devices::new(Some(failure.clone().into())));
        assert_eq!(execute(&executor), Ok(true), "{failure}");
        assert_eq!(metrics.devices.fallbacks.get(), 1);
    }
}

#[test]
fn the_processor_does_what_no_device_does_if_it_can_in_time() {
    let (executor, metrics) = with(&Devices::new(Some(lost().into())));
    let in_time = |time| {
        on_first_vector(|plan, parameters, inputs, batch| {
            executor.execute_in_time(time, plan, parameters, inputs, batch)
        })
    };
    assert_eq!(in_time(Duration::from_secs(3_600)), Ok(true));
    assert_eq!(metrics.devices.fallbacks.get(), 1);
    // Not begun, so that the job can be declined, or tried on devices again.
    assert_eq!(in_time(Duration::ZERO), Err(lost().into()));
    assert_eq!(metrics.devices.fallbacks.get(), 1);
}

#[test]
fn what_devices_do_they_do_however_late() {
    let (executor, _) = with(&Devices::new(None));
    let late = on_first_vector(|plan, parameters, inputs, batch| {
        executor.execute_in_time(Duration::ZERO, plan, parameters, inputs, batch)
    });
    assert_eq!(late, Ok(true));
}

#[test]
fn a_job_that_is_wrong_itself_is_not_tried_again() {
    let misfit = mizan_tensor::ExecutionError::TooLarge;
    let (executor, metrics) = with(&Devices::new(Some(misfit.into())));
    assert_eq!(execute(&executor), Err(misfit.into()));
    assert_eq!(metrics.devices.fallbacks.get(), 0);
}

#[test]
fn metrics_show_how_devices_stand_after_each_job() {
    let devices = Devices::new(None);
    let (executor, metrics) = with(&devices);
    devices.change(|status| {
        status.restarts = 3;
        status.last_failure = Some(lost());
    });
    execute(&executor).unwrap();
    execute(&executor).unwrap();
    assert_eq!(metrics.devices.restarts.get(), 3);
    assert_eq!(metrics.devices.usable.get(), 2);
    devices.change(|status| {
        status.retired = true;
        status.fault = Some(wrong());
    });
    execute(&executor).unwrap();
    assert_eq!(metrics.devices.usable.get(), 1);
    assert_eq!(metrics.devices.retired.get(), 1);
}

#[test]
fn a_retired_device_is_named_once_with_the_reason_and_what_to_do() {
    let mut retired = status(1);
    retired.retired = true;
    retired.fault = Some(wrong());
    retired.last_failure = Some(wrong());
    let now = [status(0), retired];
    let [Notice::Loss(text)] = &notices(&[status(0), status(1)], &now)[..] else {
        panic!("one loss");
    };
    for says in [
        "GPU 1 (Card, GPU-01010101-0101-0101-0101-010101010101) is not used any more",
        "operation 3 failed its check on the device",
        "undo overclocking",
    ] {
        assert!(text.contains(says), "{text}");
    }
    assert_eq!(notices(&now, &now), []);
    // One that was never fit is a loss from the beginning.
    assert_eq!(notices(&[], &now), [Notice::Loss(text.clone())]);
}

#[test]
fn a_failure_that_a_device_survived_is_told_once() {
    let mut survived = status(0);
    survived.restarts = 1;
    survived.last_failure = Some(lost());
    let now = [survived.clone()];
    let [Notice::Trouble(text)] = &notices(&[status(0)], &now)[..] else {
        panic!("one failure");
    };
    assert!(text.ends_with(&lost().to_string()), "{text}");
    assert_eq!(notices(&now, &now), []);
    survived.restarts = 2;
    assert_eq!(notices(&now, &[survived]).len(), 1);
}

#[test]
fn kernels_that_a_device_failed_with_are_named_once_with_the_reason() {
    let mut slower = status(0);
    slower.restarts = 1;
    slower.given_up = vec![KernelFamily::Wgmma];
    slower.last_failure = Some(wrong());
    let now = [slower.clone()];
    let [Notice::Trouble(text)] = &notices(&[status(0)], &now)[..] else {
        panic!("one failure");
    };
    let says =
        "failed with its wgmma kernels and is used with older ones, which are slower, until \
                the worker is started again: operation 3 failed its check on the device";
    assert!(text.contains(says), "{text}");
    assert_eq!(notices(&now, &now), []);
    // Also where they failed at the start.
    assert_eq!(notices(&[], &now), [Notice::Trouble(text.clone())]);
    // What fails later is a failure like any other.
    slower.restarts = 2;
    slower.last_failure = Some(lost());
    let [Notice::Trouble(text)] = &notices(&now, &[slower])[..] else {
        panic!("one failure");
    };
    assert!(text.contains("failed and is tried again"), "{text}");
}

#[test]
fn devices_take_no_more_than_half_of_the_memory_for_jobs() {
    let memory = Memory::Bytes(1 << 30);
    assert!(afford(memory, 512 << 20).is_ok());
    let error = afford(memory, (512 << 20) + 1).unwrap_err();
    let says = "their processes share 512 MiB, more than half of the 1024 MiB for jobs";
    assert!(error.to_string().contains(says), "{error}");
}
