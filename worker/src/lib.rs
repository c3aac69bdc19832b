//! The GPU owner's daemon: takes the jobs that the chain assigns, computes them, attests.
//!
//! # Overview
//! The chain decides who gets a job; this process only has to say that it is there, look what it
//! got, and do it. It follows final blocks, so that it never works for a fork that is given up,
//! and reads its assignments from storage, so that an absence loses nothing.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`journal`] | the record on disk, by which a worker killed at any moment goes on where it was |
//! | [`standing`] | how an assignment stands on the chain |
//! | [`planning`] | what to do next about a job: a pure function |
//! | [`work`] | getting inputs, executing, storing results |
//! | [`sampling`] | a look at a fresh result before it is believed |
//! | [`supply`], [`delivery`] | the folder of blobs and the blob servers: getting from them, giving to them |
//! | [`cache`] | which blobs can go |
//! | [`budget`], [`precedence`] | memory for several jobs at once; paid jobs go first |
//! | [`devices`] | GPUs, and the processor for what they can't do |
//! | [`lending`] | how far the owner lends the machine: hours, and limits to GPUs |
//! | [`disk`] | disks that fill up |
//! | [`steps`] | carrying out one step for one job |
//! | [`demands`], [`answers`] | which demands for data are open, and their answers |
//! | [`advice`] | accumulators for an auditor that checks a whole result |
//! | [`endings`] | how attested jobs ended |
//! | [`daemon`] | the connection, heartbeats, and steps for all jobs |
//! | [`node`] | the connection, with a limit to every wait |
//! | [`rivals`] | another process with the same key |
//! | [`equipment`] | all that lasts longer than a connection |
//! | [`settings`], [`keystore`] | four layers of settings; the key on disk |
//! | [`auditing`] | the auditor: checking others' results for which the chain drew it |
//! | [`metrics`] | figures for Prometheus |
//! | [`doctor`] | what is wrong, and how to mend it |
//! | [`mod@bench`] | how fast this machine computes, and what that earns |
//! | [`registration`] | becoming provider and worker with one key |
//!
//! # Steps in the log
//! Each line about a job has the fields `job` and `step`:
//!
//! | `step` | what is true when the line is written |
//! | --- | --- |
//! | `taken` | the journal has the assignment |
//! | `waiting` | other jobs have the memory that this one needs |
//! | `computing` | inputs and parameters are here and checked; execution starts |
//! | `computed` | the result is stored, its hashes are in the journal and can't change any more |
//! | `delivered` | a blob server of the job has the whole result |
//! | `attesting` | the attestation is about to be sent |
//! | `included` | a best block has the attestation |
//! | `attested` | a final block has it, and the journal says so |
//! | `declining`, `declined` | the chain is being told, was told, that this worker does not do it |
//! | `dropped` | the job can't be attested any more and is given up |
//! | `settled`, `convicted`, `refused`, `unpaid` | an attested job ended so (unpaid: otherwise); its blobs are not held any more |
//! | `failed` | the attempt failed for the `reason` given; another follows |
//!
//! Demands for the data of attested results have lines of their own, with `job` and `demand`:
//! `answering a demand`, `answered demand`, `demand is over`; as errors, demands that can't be
//! answered.
//!
//! While an auditor checks a whole result, lines with `job`: `advised` for each operation whose
//! accumulators a blob server has, and `gave advice to the auditor` once it has their list.
//!
//! # Goals
//! - Killed at any moment, the worker neither loses a job nor contradicts itself.
//! - Whatever it attests it has stored, with all that a proof about it can need, and keeps until
//!   the job is settled. Every demand for it is answered.
//! - What is likely to pass is waited for without end: a node that is down, a disk that is full.
//!   What only a person can put right ends it with an exit code of its own.
//!
//! # Non-goals
//! Choosing jobs, setting prices by demand, serving blobs to others.
//!
//! # Assumptions
//! One process a key. The node and the blob store are trusted for liveness only: every blob is
//! checked against its hash.
#![forbid(unsafe_code)]

#[cfg(not(target_os = "linux"))]
compile_error!("the worker runs on Linux: it drives GPUs and reads the system's state there only");

pub mod advice;
pub mod answers;
pub mod auditing;
pub mod bench;
pub mod budget;
pub mod cache;
pub mod daemon;
pub mod delivery;
pub mod demands;
pub mod devices;
pub mod disk;
pub mod doctor;
pub mod endings;
pub mod equipment;
pub mod journal;
pub mod keystore;
pub mod lending;
pub mod metrics;
pub mod node;
pub mod planning;
pub mod precedence;
pub mod registration;
pub mod rivals;
pub mod sampling;
pub mod settings;
pub mod standing;
pub mod steps;
pub mod supply;
pub mod work;

#[cfg(test)]
mod small_job;
