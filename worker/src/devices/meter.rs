//! Readings of devices, by a process of their own that is started again when it ends or is silent.

use super::reading::{Message, Reading, Said, LONGEST_LINE, VERSION};
use mizan_engine::cuda::ChildCommand;
use std::{
    process::{ExitStatus, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::{sleep, timeout},
};

/// The hidden subcommand that reads devices.
const SUBCOMMAND: &str = "nvml-child";
/// How long the first answer may take: a driver without a device in use starts it anew.
const FIRST_LIMIT: Duration = Duration::from_secs(30);
/// How long any other answer may take. One comes each second.
const LIMIT: Duration = Duration::from_secs(5);
/// How long to wait for the status of a process that has closed its output.
const STATUS_LIMIT: Duration = Duration::from_secs(5);
/// Pauses before a process is started again: the first, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// Why there are no readings.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MeterError {
    /// There is no library, or it is of no use.
    #[error("NVIDIA's management library (libnvidia-ml.so.1) can't be used: {0}")]
    Library(String),
    /// The process could not be started.
    #[error("the process that reads GPUs can't be started: {0}")]
    CannotStart(String),
    /// The process ended.
    #[error("the process that reads GPUs ended: {0}")]
    Ended(String),
    /// The process did not say anything in time, and was ended.
    #[error("the process that reads GPUs said nothing for {} seconds", .0.as_secs())]
    Silent(Duration),
    /// The process said something that makes no sense, and was ended.
    #[error("the process that reads GPUs says what makes no sense")]
    Nonsense,
}

/// What starts the process: this program once more.
pub(crate) fn command() -> Result<ChildCommand, MeterError> {
    ChildCommand::this_program(SUBCOMMAND)
        .map_err(|error| MeterError::CannotStart(error.to_string()))
}

/// A process that reads devices, until this is dropped.
pub(crate) struct Meter {
    process: Child,
    answers: BufReader<ChildStdout>,
    /// The process ends when this does.
    _alive: Option<ChildStdin>,
    limit: Duration,
}

impl Meter {
    /// Starts a process.
    pub(crate) fn start(command: &ChildCommand) -> Result<Self, MeterError> {
        let cannot_start = |error: String| MeterError::CannotStart(error);
        let mut process = Command::new(&command.program)
            .args(&command.arguments)
            .envs(command.environment.iter().cloned())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Reasons come as messages. What a library prints says nothing to an owner.
            .stderr(Stdio::null())
            // What interrupts the worker from its terminal must not blind it before its end.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| cannot_start(error.to_string()))?;
        let output = process.stdout.take();
        let output = output.ok_or_else(|| cannot_start("it has no output".into()))?;
        Ok(Self {
            _alive: process.stdin.take(),
            process,
            answers: BufReader::new(output),
            limit: FIRST_LIMIT,
        })
    }

    /// Waits for how all devices are now. After an error the process is of no use.
    pub(crate) async fn next(&mut self) -> Result<Vec<Reading>, MeterError> {
        let mut line = Vec::new();
        let mut answer = (&mut self.answers).take(LONGEST_LINE);
        let read = timeout(self.limit, answer.read_until(b'\n', &mut line)).await;
        match read {
            Err(_) => return Err(MeterError::Silent(self.limit)),
            Ok(Ok(1..)) => {}
            Ok(_) => return Err(self.ended().await),
        }
        let message: Message = serde_json::from_slice(&line).map_err(|_| MeterError::Nonsense)?;
        if message.version != VERSION {
            return Err(MeterError::Nonsense);
        }
        self.limit = LIMIT;
        match message.said {
            Said::Devices(readings) => Ok(readings),
            Said::Failed(reason) => Err(MeterError::Library(reason)),
        }
    }

    async fn ended(&mut self) -> MeterError {
        let status = timeout(STATUS_LIMIT, self.process.wait()).await;
        let status = status.ok().and_then(Result::ok);
        let unknown = || "it closed its output".to_owned();
        MeterError::Ended(status.map_or_else(unknown, |status: ExitStatus| status.to_string()))
    }
}

/// Tells all readings, and why there are none, until the caller does not wait for it any more.
/// Starts with `meter` where there is one that runs.
pub(crate) async fn follow(
    command: ChildCommand,
    meter: Option<Meter>,
    mut heard: impl FnMut(Result<Vec<Reading>, MeterError>),
) {
    let (shortest, longest) = PAUSES;
    let (mut meter, mut pause) = (meter.map(Ok), shortest);
    loop {
        let started = meter.take().unwrap_or_else(|| Meter::start(&command));
        let error = match started {
            Err(error) => error,
            Ok(mut running) => loop {
                match running.next().await {
                    Err(error) => break error,
                    readings => {
                        pause = shortest;
                        heard(readings);
                    }
                }
            },
        };
        heard(Err(error));
        sleep(pause).await;
        pause = (pause * 2).min(longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A process that runs a script.
    fn script(text: &str) -> ChildCommand {
        ChildCommand {
            program: "sh".into(),
            arguments: vec!["-c".into(), text.into()],
            environment: Vec::new(),
        }
    }

    async fn first(text: &str) -> Result<Vec<Reading>, MeterError> {
        Meter::start(&script(text))?.next().await
    }

    #[tokio::test]
    async fn readings_come_and_reasons_why_there_are_none() {
        let devices = r#"echo '{"version":1,"said":{"devices":[]}}'; exec sleep 60"#;
        assert_eq!(first(devices).await, Ok(Vec::new()));
        let failed = r#"echo '{"version":1,"said":{"failed":"no driver"}}'"#;
        let library = MeterError::Library("no driver".into());
        assert_eq!(first(failed).await, Err(library));
    }

    #[tokio::test]
    async fn a_process_that_ends_is_reported_with_its_status() {
        let ended = |status: &str| Err(MeterError::Ended(status.into()));
        assert_eq!(first("exit 3").await, ended("exit status: 3"));
        assert_eq!(first("kill -9 $$").await, ended("signal: 9 (SIGKILL)"));
    }

    #[tokio::test]
    async fn what_makes_no_sense_is_refused_however_long_it_is() {
        let lines = [
            "echo hello",
            r#"echo '{"version":2,"said":{"devices":[]}}'"#,
            r#"echo '{"version":1,"said":{"devices":[{"uuid":[1]}]}}'"#,
            "tr '\\0' x < /dev/zero",
        ];
        for line in lines {
            assert_eq!(first(line).await, Err(MeterError::Nonsense), "{line}");
        }
    }

    #[tokio::test]
    async fn a_process_that_says_nothing_is_given_up() {
        let mut meter = Meter::start(&script("exec sleep 60")).unwrap();
        meter.limit = Duration::from_millis(50);
        let silent = MeterError::Silent(Duration::from_millis(50));
        assert_eq!(meter.next().await, Err(silent));
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_can_not_be_started() {
        let mut command = script("");
        command.program = "/nonexistent".into();
        assert!(matches!(
            Meter::start(&command),
            Err(MeterError::CannotStart(_))
        ));
    }

    #[tokio::test]
    async fn a_process_that_ended_is_started_again() {
        let command = script(r#"echo '{"version":1,"said":{"devices":[]}}'"#);
        let (told, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let following = tokio::spawn(follow(command, None, move |said| {
            let _ = told.send(said.is_ok());
        }));
        let mut all = Vec::new();
        while all.len() < 4 {
            all.push(
                timeout(Duration::from_secs(60), heard.recv())
                    .await
                    .unwrap(),
            );
        }
        following.abort();
        assert_eq!(all, [true, false, true, false].map(Some));
    }
}
