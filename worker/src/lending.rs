//! How far the owner lends the machine: when new jobs are taken, and when devices may work.
//!
//! # Overview
//! The owner may set times of day, and limits to each device: that nobody else uses it, what it
//! draws, how warm it gets. [`Lending`] hears how devices are once a second, and decides for each
//! what it may do ([`Condition`]). The executor asks it before each part of a job.
//!
//! # Accepted work is finished
//! A job that a worker was given and does not do costs its provider, so limits never lose one.
//! While a job would be late otherwise, all devices work whatever their state; outside of the
//! hours accepted jobs go on. What the owner can have is that no new ones come: then the worker
//! says so on the chain (`providers.go_offline`) and sends no heartbeats. Nothing is counted against
//! a worker for that, as it would be for declining.
//!
//! # Others that use a device
//! On a desktop some program always has the device open, so that is no use of it. Others use it
//! when they keep it busy for more than 10 % of the time, for three seconds; until they have not
//! for as long as the settings say. Where the driver does not tell programs apart, readings count
//! that were taken while no part ran, and while jobs are computed parts stop for two seconds out of
//! every thirty so that there are some.
//!
//! The process of a device in use ends once no part runs on it, so that others have all of its
//! memory; it is started again when there is work.
//!
//! # Power and temperature
//! Setting a limit of the hardware takes root. The worker waits between parts: for power as long
//! as the mean of what the device drew is too high, for temperature until it has cooled down.

mod deadlines;
mod policy;
#[cfg(test)]
mod tests;
mod watched;

pub use policy::{Condition, Limit, Limits, Pause};

use crate::{
    devices::{meter::MeterError, reading::Reading},
    metrics::Metrics,
    settings::{Hours, Settings},
};
use chrono::Timelike;
use deadlines::Deadlines;
use mizan_engine::cuda::{DeviceInfo, DeviceStatus, Pace};
use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tracing::{info, warn};
use watched::Watched;

/// Why no new jobs are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not the time for it.
    Hours(Hours),
    /// No device may work.
    Devices,
    /// It is not known yet whether others use the devices.
    NotLookedAt,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Hours(hours) => write!(f, "no new jobs but in the hours {hours}"),
            Self::Devices => f.write_str("no new jobs while no GPU may work"),
            Self::NotLookedAt => {
                f.write_str("no new jobs until it is known whether another program uses the GPUs")
            }
        }
    }
}

/// Whether new jobs are taken now, as far as the hours go.
pub(crate) fn is_time(hours: &Hours) -> bool {
    !hours.left(time_of_day()).is_zero()
}

/// Time since midnight, where this machine is.
fn time_of_day() -> Duration {
    let seconds = chrono::Local::now().time().num_seconds_from_midnight();
    Duration::from_secs(seconds.into())
}

/// How far the owner lends the machine.
pub struct Lending {
    limits: Limits,
    hours: Option<Hours>,
    metrics: Arc<Metrics>,
    origin: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    devices: Vec<Watched>,
    deadlines: Deadlines,
    /// Why there are no readings, as it was said last.
    unread: Option<MeterError>,
    refusal: Option<Refusal>,
}

impl Lending {
    /// As the settings say.
    pub fn new(settings: &Settings, metrics: Arc<Metrics>) -> Self {
        Self::within(Limits::of(settings), settings.hours.clone(), metrics)
    }

    /// With those limits and hours.
    pub fn within(limits: Limits, hours: Option<Hours>, metrics: Arc<Metrics>) -> Self {
        metrics.accepting.set(1);
        Self {
            limits,
            hours,
            metrics,
            origin: Instant::now(),
            state: Mutex::default(),
        }
    }

    /// What is demanded of devices.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Why no new jobs are taken now; `None` if they are.
    pub fn refusal(&self) -> Option<Refusal> {
        self.refusal_at(self.now(), time_of_day())
    }

    /// Whether the owner lets anything begin now that need not be done, such as advice.
    pub fn is_lent(&self) -> bool {
        self.state().refusal.is_none()
    }

    /// A job is to be computed that has so much time left, of so much in all, and such a size.
    pub fn expect(self: &Arc<Self>, macs: u128, left: Duration, whole: Duration) -> Expected {
        let now = self.now();
        let mut state = self.state();
        Expected {
            number: state.deadlines.add(now, macs, left, whole),
            macs,
            busy: state.busy(now),
            lending: self.clone(),
        }
    }

    /// Watches these devices from now on.
    pub(crate) fn watch(&self, devices: impl IntoIterator<Item = DeviceInfo>) {
        let now = self.now();
        let watched = |info| Watched::new(info, self.limits, now);
        self.state().devices = devices.into_iter().map(watched).collect();
    }

    /// Takes note of how devices are, or why nobody knows.
    pub(crate) fn hear(&self, said: Result<Vec<Reading>, MeterError>) {
        self.hear_at(self.now(), said);
    }

    /// Takes note of which devices must not work any more, whatever their owner allows.
    pub(crate) fn note(&self, statuses: &[DeviceStatus]) {
        for watched in &mut self.state().devices {
            let status = statuses.iter().find(|it| it.info.uuid == watched.info.uuid);
            watched.retired = status.is_some_and(|status| status.retired);
        }
    }

    /// Devices whose memory others may need: they use it, and no part does. Each is given once,
    /// until a part has run on it again.
    pub(crate) fn to_release(&self) -> Vec<[u8; 16]> {
        self.to_release_at(self.now())
    }

    fn to_release_at(&self, now: Duration) -> Vec<[u8; 16]> {
        let mut state = self.state();
        let devices = state.devices.iter_mut();
        let released = devices.filter_map(|it| it.release(now).then_some(it.info.uuid));
        released.collect()
    }

    fn now(&self) -> Duration {
        self.origin.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refusal_at(&self, now: Duration, time: Duration) -> Option<Refusal> {
        let is_over = |hours: &&Hours| hours.left(time).is_zero();
        let mut state = self.state();
        let refusal = match self.hours.as_ref().filter(is_over) {
            Some(hours) => Some(Refusal::Hours(hours.clone())),
            None => state.refusal_of_devices(now),
        };
        if refusal != state.refusal {
            match &refusal {
                Some(refusal) => info!("{refusal}; accepted ones are finished"),
                None => info!("new jobs are taken again"),
            }
            self.metrics.accepting.set(refusal.is_none().into());
            state.refusal.clone_from(&refusal);
        }
        refusal
    }

    fn hear_at(&self, now: Duration, said: Result<Vec<Reading>, MeterError>) {
        let figures = &self.metrics.devices;
        let mut state = self.state();
        state.unread_now(said.as_ref().err());
        let pressed = state.deadlines.press(now);
        for watched in &mut state.devices {
            let index = watched.info.index;
            let own = |all: &&Reading| all.uuid == watched.info.uuid;
            let reading = said.as_ref().map(|all| all.iter().find(own));
            match reading {
                Ok(Some(reading)) => {
                    watched.tell_lacks(reading, &self.limits);
                    watched.policy.observe(now, reading);
                    figures.show(index, reading);
                }
                Ok(None) => {
                    watched.policy.miss("the driver does not show it");
                    figures.forget(index);
                }
                Err(error) => {
                    watched.policy.miss(&error.to_string());
                    figures.forget(index);
                }
            }
            watched.tell(now, pressed);
            figures.pause(index, watched.is_paused(now));
        }
    }

    fn may_begin_at(&self, now: Duration, device: &DeviceInfo) -> bool {
        let mut state = self.state();
        if !self.limits.any() || state.deadlines.press(now) {
            return true;
        }
        let watched = state.watched(device);
        watched.is_none_or(|watched| watched.policy.may_begin(now))
    }

    fn begins_at(&self, now: Duration, device: &DeviceInfo) {
        let mut state = self.state();
        let pressed = state.deadlines.press(now);
        if let Some(watched) = state.watched(device) {
            watched.begins(now, pressed);
        }
    }

    fn ended_at(&self, now: Duration, device: &DeviceInfo) {
        if let Some(watched) = self.state().watched(device) {
            watched.ended(now);
        }
    }
}

impl Pace for Lending {
    fn may_begin(&self, device: &DeviceInfo) -> bool {
        self.may_begin_at(self.now(), device)
    }

    fn begins(&self, device: &DeviceInfo) {
        self.begins_at(self.now(), device);
    }

    fn ended(&self, device: &DeviceInfo) {
        self.ended_at(self.now(), device);
    }
}

impl State {
    fn watched(&mut self, device: &DeviceInfo) -> Option<&mut Watched> {
        let mut devices = self.devices.iter_mut();
        devices.find(|watched| watched.info.uuid == device.uuid)
    }

    /// Why no device may work, where there are some that would.
    fn refusal_of_devices(&self, now: Duration) -> Option<Refusal> {
        let fit: Vec<_> = self.devices.iter().filter(|it| !it.retired).collect();
        if fit.is_empty() || !fit.iter().all(|it| it.is_paused(now)) {
            return None;
        }
        let unknown = |it: &Watched| it.is_not_looked_at(now);
        Some(match fit.into_iter().any(unknown) {
            true => Refusal::NotLookedAt,
            false => Refusal::Devices,
        })
    }

    /// How long parts ran on all devices together.
    fn busy(&self, now: Duration) -> Duration {
        self.devices.iter().map(|it| it.busy_until(now)).sum()
    }

    /// Says once why there are no readings, and that there are some again.
    fn unread_now(&mut self, error: Option<&MeterError>) {
        if self.unread.as_ref() == error {
            return;
        }
        match error {
            Some(error) => warn!("GPUs are not watched: {error}"),
            None => info!("GPUs are watched again"),
        }
        self.unread = error.cloned();
    }
}

/// A job that is to be computed, until this is dropped.
pub struct Expected {
    lending: Arc<Lending>,
    number: u64,
    macs: u128,
    /// How long devices had worked before.
    busy: Duration,
}

impl Expected {
    /// The job is computed: so fast is this machine.
    pub fn computed(&self) {
        let now = self.lending.now();
        let mut state = self.lending.state();
        let time = state.busy(now).saturating_sub(self.busy);
        state.deadlines.learn(self.macs, time);
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.lending.state().deadlines.remove(self.number);
    }
}
