//! A device, what it did, and what was said of it.

use super::{
    policy::{Condition, Limits, Pause, Policy},
    Reading,
};
use mizan_engine::cuda::DeviceInfo;
use std::time::Duration;
use tracing::{info, warn};

/// A device that is watched.
pub(super) struct Watched {
    /// As its driver describes it.
    pub(super) info: DeviceInfo,
    /// What it may do.
    pub(super) policy: Policy,
    /// Whether it must not work any more, whatever its owner allows.
    pub(super) retired: bool,
    /// What was said of it last, without figures.
    told: String,
    lacks_told: bool,
    /// Whether its process may have memory of it.
    holds_memory: bool,
    /// Parts on it now, since when there are some, and how long there were some before.
    parts: u32,
    busy_since: Duration,
    busy: Duration,
}

impl Watched {
    /// A device whose process runs, with no part.
    pub(super) fn new(info: DeviceInfo, limits: Limits, now: Duration) -> Self {
        Self {
            info,
            policy: Policy::new(limits, now),
            retired: false,
            told: Condition::Works.to_string(),
            lacks_told: false,
            holds_memory: true,
            parts: 0,
            busy_since: now,
            busy: Duration::ZERO,
        }
    }

    /// A part begins on it; `pressed` if whatever its state.
    pub(super) fn begins(&mut self, now: Duration, pressed: bool) {
        // It may be over before the next reading.
        self.tell(now, pressed);
        self.policy.begins();
        self.holds_memory = true;
        if self.parts == 0 {
            self.busy_since = now;
        }
        self.parts += 1;
    }

    /// A part on it has ended.
    pub(super) fn ended(&mut self, now: Duration) {
        self.policy.ended(now);
        self.busy = self.busy_until(now);
        self.busy_since = now;
        self.parts = self.parts.saturating_sub(1);
    }

    /// How long parts ran on it.
    pub(super) fn busy_until(&self, now: Duration) -> Duration {
        match self.parts {
            0 => self.busy,
            _ => self.busy + now.saturating_sub(self.busy_since),
        }
    }

    /// Whether it gets no work.
    pub(super) fn is_paused(&self, now: Duration) -> bool {
        matches!(self.policy.condition(now), Condition::Paused(_))
    }

    /// Whether it is not known yet whether others use it.
    pub(super) fn is_not_looked_at(&self, now: Duration) -> bool {
        self.policy.condition(now) == Condition::Paused(Pause::NotLookedAt)
    }

    /// Whether its memory is to be given back, which it is then taken to be.
    pub(super) fn release(&mut self, now: Duration) -> bool {
        let in_use = matches!(
            self.policy.condition(now),
            Condition::Paused(Pause::InUse(_))
        );
        let release = in_use && self.parts == 0 && self.holds_memory;
        self.holds_memory &= !release;
        release
    }

    /// Says once what its driver does not say.
    pub(super) fn tell_lacks(&mut self, reading: &Reading, limits: &Limits) {
        let lacks = reading.lacks().join(", ");
        if !std::mem::replace(&mut self.lacks_told, true) && !lacks.is_empty() {
            info!("GPU {}: its driver does not say {lacks}", self.info.index);
            if limits.idle.is_some() && reading.others_percent.is_none() {
                info!(
                    "GPU {}: while it computes it rests two seconds out of thirty, to see whether \
                     another program uses it",
                    self.info.index
                );
            }
        }
    }

    /// Says what it does, if that is something else than before.
    pub(super) fn tell(&mut self, now: Duration, pressed: bool) {
        let condition = self.policy.condition(now);
        let works_anyway = pressed && condition != Condition::Works;
        // Figures change all the time.
        let kind: String = match &condition {
            Condition::Paused(Pause::NotLookedAt) => return,
            Condition::Paused(Pause::InUse(_)) => "in use".into(),
            Condition::Paused(Pause::Exceeds(limit, _)) => limit.to_string(),
            other => other.to_string(),
        };
        let kind = if works_anyway {
            format!("{kind}!")
        } else {
            kind
        };
        if kind == self.told {
            return;
        }
        self.told = kind;
        let index = self.info.index;
        match condition {
            Condition::Works => info!("GPU {index}: works again"),
            condition if works_anyway => {
                info!(
                    "GPU {index}: works for a job that would be late otherwise, though {condition}"
                );
            }
            Condition::Paused(Pause::Unread(_)) => warn!("GPU {index}: {condition}"),
            condition => info!("GPU {index}: {condition}"),
        }
    }
}
