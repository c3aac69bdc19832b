//! What a device may do now: a pure function of its readings, its parts of jobs, and the time.
//!
//! Time is counted from any fixed moment; whoever asks says what time it is.

use crate::{devices::reading::Reading, settings::Settings};
use std::{fmt, time::Duration};

/// Readings older than this count no more.
pub(super) const GRACE: Duration = Duration::from_secs(15);
/// Others use a device that they keep busier than that many percent of the time.
pub(super) const USE_PERCENT: u32 = 10;
/// For so long at least.
pub(super) const USE_TIME: Duration = Duration::from_secs(3);
/// Readings taken so long after the last part show nothing of the worker any more.
pub(super) const SETTLE: Duration = Duration::from_secs(2);
/// Where the driver does not tell programs apart, parts stop so often for a look.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(30);
/// A device that was too hot is cool again by so many degrees less.
pub(super) const COOL_CELSIUS: u32 = 5;
/// What a device did not draw it may draw later, as far as it could have drawn it in this time.
const CREDIT_MILLIS: i64 = 1_000;
/// What it drew too much it makes up for, as far as it takes this time without drawing anything.
const DEBT_MILLIS: i64 = 60_000;
/// Longest time for which one reading of power stands.
const LONGEST_STEP: Duration = Duration::from_secs(5);
/// A device that waits between parts is said to be slowed until it has not waited for so long; one
/// that exceeds a limit without a part for so long does so without the worker.
pub(super) const CALM: Duration = Duration::from_secs(60);

/// What the owner demands of devices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// For how long nobody else may have used a device that gets work; `None` if that is no matter.
    pub idle: Option<Duration>,
    /// What each draws at most on average.
    pub max_power_watts: Option<u32>,
    /// From which temperature on it gets no work.
    pub max_temperature_celsius: Option<u32>,
}

impl Limits {
    /// What the settings demand.
    pub fn of(settings: &Settings) -> Self {
        Self {
            idle: settings.idle_only.then_some(settings.idle),
            max_power_watts: settings.max_power_watts,
            max_temperature_celsius: settings.max_temperature_celsius,
        }
    }

    /// Whether there are any, for which devices must be read.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }

    /// What they need to know of a device and a reading does not have.
    pub(crate) fn lack(&self, reading: &Reading) -> Option<&'static str> {
        let usage = reading.others_percent.or(reading.busy_percent);
        if self.idle.is_some() && usage.is_none() {
            return Some("how busy it is, which idle_only needs");
        }
        if self.max_power_watts.is_some() && reading.power_milliwatts.is_none() {
            return Some("the power that it draws, which max_power needs");
        }
        if self.max_temperature_celsius.is_some() && reading.temperature_celsius.is_none() {
            return Some("its temperature, which max_temperature needs");
        }
        None
    }
}

/// A limit that a device has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// So many watts.
    Power(u32),
    /// So many degrees.
    Temperature(u32),
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Power(watts) => write!(f, "max_power, {watts} W"),
            Self::Temperature(celsius) => write!(f, "max_temperature, {celsius} °C"),
        }
    }
}

/// What a device does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Whatever it is given.
    Works,
    /// It waits between parts, so that it keeps within a limit.
    Slowed(Limit),
    /// It gets no work.
    Paused(Pause),
}

/// Why a device gets no work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pause {
    /// Another program uses it, or did a moment ago: so many percent of it.
    InUse(u32),
    /// It is beyond a limit without having done anything for the worker: there it stands.
    Exceeds(Limit, u32),
    /// Nobody has looked yet whether others use it, which takes a moment.
    NotLookedAt,
    /// Nobody knows how it is.
    Unread(String),
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Works => f.write_str("works"),
            Self::Slowed(limit) => write!(f, "slowed to keep within {limit}"),
            Self::Paused(pause) => write!(f, "paused, {pause}"),
        }
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse(percent) => write!(f, "another program uses it ({percent} %)"),
            Self::Exceeds(limit @ Limit::Power(_), watts) => {
                write!(
                    f,
                    "it draws {watts} W although it computes nothing, beyond {limit}"
                )
            }
            Self::Exceeds(limit @ Limit::Temperature(_), celsius) => {
                write!(
                    f,
                    "it has {celsius} °C although it computes nothing, beyond {limit}"
                )
            }
            Self::NotLookedAt => f.write_str("until it is known whether another program uses it"),
            Self::Unread(reason) => write!(f, "it can't be watched: {reason}"),
        }
    }
}

/// Whether others use a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Usage {
    /// Nobody has looked yet.
    Unknown,
    /// They do not, or only since then.
    Free { busy_since: Option<Duration> },
    /// They use so much, or nothing any more since then.
    InUse {
        percent: u32,
        free_since: Option<Duration>,
    },
}

/// A device, as far as its owner's limits go.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    limits: Limits,
    /// When it was read last, and why it can't be since.
    read_at: Duration,
    unread: String,
    usage: Usage,
    /// When it was last known how much others use it, and whether that shows while parts run.
    looked_at: Duration,
    programs_told_apart: bool,
    hot: bool,
    celsius: u32,
    milliwatts: u32,
    /// What it may still draw beyond what it always may, in microjoules; below zero, it waits.
    credit: i64,
    /// Parts on it now, and when the last one ended.
    parts: u32,
    ended_at: Duration,
    /// When a part had to wait last, and for which limit.
    waited: Option<(Duration, Limit)>,
}

impl Policy {
    /// A device that was not read yet.
    pub(super) fn new(limits: Limits, now: Duration) -> Self {
        Self {
            limits,
            read_at: now,
            unread: "no reading has come yet".into(),
            usage: Usage::Unknown,
            looked_at: now,
            programs_told_apart: false,
            hot: false,
            celsius: 0,
            milliwatts: 0,
            credit: 0,
            parts: 0,
            ended_at: now,
            waited: None,
        }
    }

    /// Takes note of a reading.
    pub(super) fn observe(&mut self, now: Duration, reading: &Reading) {
        if let Some(lack) = self.limits.lack(reading) {
            return self.miss(&format!("its driver does not say {lack}"));
        }
        self.programs_told_apart = reading.others_percent.is_some();
        if let Some(percent) = self.used_by_others(now, reading) {
            self.looked_at = now;
            self.note_use(now, percent);
        }
        if let (Some(limit), Some(celsius)) = (
            self.limits.max_temperature_celsius,
            reading.temperature_celsius,
        ) {
            self.celsius = celsius;
            self.hot = celsius >= limit || self.hot && celsius.saturating_add(COOL_CELSIUS) > limit;
        }
        if let (Some(limit), Some(milliwatts)) =
            (self.limits.max_power_watts, reading.power_milliwatts)
        {
            self.milliwatts = milliwatts;
            self.count_energy(now.saturating_sub(self.read_at), limit);
        }
        self.read_at = now;
        self.unread.clear();
    }

    /// Takes note that there is no reading.
    pub(super) fn miss(&mut self, reason: &str) {
        self.unread = reason.into();
    }

    /// A part begins on it.
    pub(super) fn begins(&mut self) {
        self.parts += 1;
    }

    /// A part on it has ended.
    pub(super) fn ended(&mut self, now: Duration) {
        self.parts = self.parts.saturating_sub(1);
        self.ended_at = now;
    }

    /// Whether a part may begin on it, which somebody has ready.
    pub(super) fn may_begin(&mut self, now: Duration) -> bool {
        if matches!(self.condition(now), Condition::Paused(_)) {
            return false;
        }
        if let Some(limit) = self.limit_reached() {
            self.waited = Some((now, limit));
            return false;
        }
        self.limits.idle.is_none() || self.is_looked_at(now)
    }

    /// Whether it is known well enough that nobody else uses it.
    fn is_looked_at(&self, now: Duration) -> bool {
        // A part would hide whether the use that was just seen lasts.
        let suspected = matches!(
            self.usage,
            Usage::Free {
                busy_since: Some(_)
            }
        );
        let hidden = suspected && !self.programs_told_apart;
        !hidden && now.saturating_sub(self.looked_at) < LOOK_EVERY
    }

    /// What it does.
    pub(super) fn condition(&self, now: Duration) -> Condition {
        if let Some(pause) = self.pause(now) {
            return Condition::Paused(pause);
        }
        match self.waited {
            Some((at, limit)) if now.saturating_sub(at) < CALM => Condition::Slowed(limit),
            _ => Condition::Works,
        }
    }

    fn pause(&self, now: Duration) -> Option<Pause> {
        if !self.limits.any() {
            return None;
        }
        if now.saturating_sub(self.read_at) >= GRACE {
            return Some(Pause::Unread(match self.unread.as_str() {
                "" => "no more readings come".into(),
                reason => reason.into(),
            }));
        }
        match self.usage {
            Usage::InUse { percent, .. } => return Some(Pause::InUse(percent)),
            Usage::Unknown if self.limits.idle.is_some() => return Some(Pause::NotLookedAt),
            Usage::Unknown | Usage::Free { .. } => {}
        }
        let at_rest = self.parts == 0 && now.saturating_sub(self.ended_at) >= CALM;
        let (limit, is) = match (
            self.limits.max_power_watts,
            self.limits.max_temperature_celsius,
        ) {
            (_, Some(celsius)) if self.hot => (Limit::Temperature(celsius), self.celsius),
            (Some(watts), _) if self.milliwatts / 1_000 >= watts => {
                (Limit::Power(watts), self.milliwatts / 1_000)
            }
            _ => return None,
        };
        at_rest.then_some(Pause::Exceeds(limit, is))
    }

    /// The limit for which a part would have to wait now.
    fn limit_reached(&self) -> Option<Limit> {
        let celsius = self.limits.max_temperature_celsius.filter(|_| self.hot);
        let watts = self.limits.max_power_watts.filter(|_| self.credit < 0);
        celsius.map(Limit::Temperature).or(watts.map(Limit::Power))
    }

    /// How much of it others use, if the reading shows that.
    fn used_by_others(&self, now: Duration, reading: &Reading) -> Option<u32> {
        let at_rest = self.parts == 0 && now.saturating_sub(self.ended_at) >= SETTLE;
        let all_of_it = reading.busy_percent.filter(|_| at_rest);
        reading.others_percent.or(all_of_it)
    }

    fn note_use(&mut self, now: Duration, percent: u32) {
        let busy = percent > USE_PERCENT;
        let lasts = |since: Option<Duration>, time: Duration| {
            since.is_some_and(|since| now.saturating_sub(since) >= time)
        };
        let in_use = Usage::InUse {
            percent,
            free_since: None,
        };
        self.usage = match self.usage {
            Usage::Unknown if busy => in_use,
            Usage::Free { busy_since } if busy && lasts(busy_since, USE_TIME) => in_use,
            Usage::Free { busy_since } if busy => Usage::Free {
                busy_since: busy_since.or(Some(now)),
            },
            Usage::InUse { .. } if busy => in_use,
            Usage::InUse {
                percent,
                free_since,
            } => match lasts(free_since, self.limits.idle.unwrap_or_default()) {
                true => Usage::Free { busy_since: None },
                false => Usage::InUse {
                    percent,
                    free_since: free_since.or(Some(now)),
                },
            },
            Usage::Unknown | Usage::Free { .. } => Usage::Free { busy_since: None },
        };
        if self.limits.idle.is_none() {
            self.usage = Usage::Free { busy_since: None };
        }
    }

    /// Adds what it may draw in that time, and takes off what it drew.
    fn count_energy(&mut self, time: Duration, limit_watts: u32) {
        let millis = time.min(LONGEST_STEP).as_millis() as i64;
        let limit = i64::from(limit_watts) * 1_000;
        let change = (limit - i64::from(self.milliwatts)) * millis;
        let credit = self.credit + change;
        self.credit = credit.clamp(-limit * DEBT_MILLIS, limit * CREDIT_MILLIS);
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
