//! How a device is, as NVIDIA's management library says, and the messages that carry it.

use serde::{Deserialize, Serialize};

/// What this program's messages look like.
pub(crate) const VERSION: u16 = 1;
/// Longest line with a message, in bytes.
pub(crate) const LONGEST_LINE: u64 = 1 << 20;
/// Most programs that are named of a device.
pub(crate) const NAMED_PROGRAMS: usize = 16;

/// How a device is. What its driver does not say is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Reading {
    /// By which it is known everywhere.
    pub uuid: [u8; 16],
    /// Of its processor, in degrees.
    pub temperature_celsius: Option<u32>,
    /// What it draws.
    pub power_milliwatts: Option<u32>,
    /// What it may draw, as it is set now.
    pub power_limit_milliwatts: Option<u32>,
    /// How much of the last moment anything computed on it.
    pub busy_percent: Option<u32>,
    /// How much of the last moment its memory was read or written.
    pub memory_busy_percent: Option<u32>,
    /// Memory in use, by whomever.
    pub memory_used_bytes: Option<u64>,
    /// How much of it programs other than this worker used in the last moment.
    pub others_percent: Option<u32>,
    /// Some programs other than this worker that have opened it, whether they use it or not.
    pub others: Option<Vec<Program>>,
    /// What should be said and could not be read this time: it is `None` then.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// Why one quantity could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Fault {
    /// What, as people call it.
    pub what: String,
    /// What the library says.
    pub reason: String,
}

/// Quantities of a device, as people call them.
pub(crate) mod quantity {
    pub(crate) const TEMPERATURE: &str = "its temperature";
    pub(crate) const POWER: &str = "the power that it draws";
    pub(crate) const POWER_LIMIT: &str = "its power limit";
    pub(crate) const BUSY: &str = "how busy it is";
    pub(crate) const MEMORY_BUSY: &str = "how busy its memory is";
    pub(crate) const MEMORY_USED: &str = "how much memory is used";
    pub(crate) const OTHERS_BUSY: &str = "how busy other programs keep it";
    pub(crate) const OTHERS: &str = "which programs have opened it";
}

/// A program that has opened a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    /// Its process.
    pub pid: u32,
    /// As the system calls it; empty if that is not known.
    pub name: String,
}

impl Reading {
    /// What its driver never says, as people call it.
    pub(crate) fn lacks(&self) -> Vec<&'static str> {
        let all = [
            (self.temperature_celsius.is_none(), quantity::TEMPERATURE),
            (self.power_milliwatts.is_none(), quantity::POWER),
            (self.power_limit_milliwatts.is_none(), quantity::POWER_LIMIT),
            (self.busy_percent.is_none(), quantity::BUSY),
            (self.memory_busy_percent.is_none(), quantity::MEMORY_BUSY),
            (self.memory_used_bytes.is_none(), quantity::MEMORY_USED),
            (self.others_percent.is_none(), quantity::OTHERS_BUSY),
            (self.others.is_none(), quantity::OTHERS),
        ];
        let is_fault = |what: &str| self.faults.iter().any(|fault| fault.what == what);
        all.into_iter()
            .filter_map(|(lacks, what)| (lacks && !is_fault(what)).then_some(what))
            .collect()
    }
}

/// What the process says that reads devices, on one line each time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// [`VERSION`] of who wrote it.
    pub version: u16,
    /// What it says.
    pub said: Said,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Said {
    /// The library can't be used, for that reason.
    Failed(String),
    /// How devices are; those of which nothing can be said now are left out.
    Devices(Vec<Reading>),
}

impl Message {
    /// What is said, in this version.
    pub(crate) fn now(said: Said) -> Self {
        Self {
            version: VERSION,
            said,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_named() {
        let mut reading = Reading::default();
        assert_eq!(reading.lacks().len(), 8);
        reading.temperature_celsius = Some(40);
        assert!(!reading.lacks().contains(&"its temperature"));
        reading.faults.push(Fault {
            what: quantity::POWER.into(),
            reason: "it is broken".into(),
        });
        assert_eq!(reading.lacks().len(), 6);
    }

    #[test]
    fn a_message_is_one_line_and_comes_back_as_it_was() {
        let reading = Reading {
            uuid: [7; 16],
            power_milliwatts: Some(31_500),
            others: Some(vec![Program {
                pid: 7,
                name: "a\nb".into(),
            }]),
            ..Reading::default()
        };
        for said in [Said::Devices(vec![reading]), Said::Failed("gone".into())] {
            let message = Message::now(said);
            let line = serde_json::to_string(&message).unwrap();
            assert!(!line.contains('\n'));
            assert_eq!(serde_json::from_str::<Message>(&line).unwrap(), message);
        }
    }
}
