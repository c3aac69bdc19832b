//! What a job waits for now.

use crate::*;
use frame_support::traits::Get;
use mizan_protocol::{
    block_number,
    explain::{JobExplanation, JobOutlook},
    jobs::JobState,
    traits::{Candidate, Disputes, Workforce},
};

/// Pages of idle workers that an explanation looks at.
const PAGES: u32 = 16;
/// Workers of a page.
const PAGE: u32 = 64;

/// What the idle workers seen so far lack.
#[derive(Default)]
struct Seen {
    live: bool,
    lowest_ask: Option<Balance>,
    excluded: bool,
    /// The least lock among those that are cheap enough, and the largest free bond.
    bonds: Option<(Balance, Balance)>,
}

impl<T: Config> Pallet<T> {
    /// A job, what it waits for and what happened to it.
    pub fn explain_job(id: JobId) -> Option<JobExplanation<T::AccountId>> {
        let job = Jobs::<T>::get(id)?;
        Some(JobExplanation {
            outlook: Self::job_outlook(id, &job),
            history: Histories::<T>::get(id).into_inner(),
            job,
        })
    }

    fn job_outlook(id: JobId, job: &JobOf<T>) -> JobOutlook<T::AccountId> {
        match &job.state {
            JobState::Open if block_number::<T>() >= job.wait_until_block => JobOutlook::WaitOver,
            JobState::Open => Self::open_outlook(job),
            JobState::Assigned(assignment) => JobOutlook::BeingComputed {
                worker: assignment.worker.clone(),
                attest_by_block: assignment.attest_by_block,
            },
            JobState::Attested(..) => JobOutlook::InChallenge {
                settles_block: T::Disputes::settles_block(id),
                open_demands: T::Disputes::open_demands(id),
                auditor: T::Disputes::auditor_at_work(id),
            },
            JobState::Settled(..) => JobOutlook::Paid,
            JobState::Ended { .. } => JobOutlook::Refunded,
            JobState::Convicted(..) => JobOutlook::Convicted,
            JobState::Refused(..) => JobOutlook::Burned,
        }
    }

    fn open_outlook(job: &JobOf<T>) -> JobOutlook<T::AccountId> {
        let mut seen = Seen::default();
        if let Some(worker) = &job.directed {
            return match T::Workforce::candidate(worker) {
                Some(candidate) => {
                    Self::look_at(job, candidate, &mut seen).unwrap_or_else(|| seen.verdict(job))
                }
                None => JobOutlook::DirectedWorkerAway {
                    worker: worker.clone(),
                },
            };
        }
        let mut after = None;
        for _ in 0..PAGES {
            let page = T::Workforce::idle(after.as_ref(), PAGE);
            for candidate in page.candidates {
                if let Some(outlook) = Self::look_at(job, candidate, &mut seen) {
                    return outlook;
                }
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        seen.verdict(job)
    }

    /// The outlook, if this worker fits; what it lacks, if not.
    fn look_at(
        job: &JobOf<T>,
        candidate: Candidate<T::AccountId>,
        seen: &mut Seen,
    ) -> Option<JobOutlook<T::AccountId>> {
        seen.live = true;
        let lowest = seen.lowest_ask.unwrap_or(Balance::MAX);
        seen.lowest_ask = Some(lowest.min(candidate.ask));
        if candidate.ask > job.price_per_unit {
            return None;
        }
        if job.excluded.contains(&candidate.worker) {
            seen.excluded = true;
            return None;
        }
        let lock = Self::terms_at(job, candidate.ask)?.1;
        if lock > candidate.free_bond {
            let (least, largest) = seen.bonds.unwrap_or((lock, candidate.free_bond));
            seen.bonds = Some((least.min(lock), largest.max(candidate.free_bond)));
            return None;
        }
        Some(JobOutlook::AboutToMatch {
            worker: candidate.worker,
        })
    }

    /// Payment and lock of a job at an ask; `None` if they can't be counted.
    pub(crate) fn terms_at(job: &JobOf<T>, ask: Balance) -> Option<(Balance, Balance)> {
        let economics = T::Economics::get();
        let price = ask.max(economics.min_price_per_unit);
        let payment = economics.payment(price, job.macs)?.min(job.held);
        Some((payment, economics.lock(payment)?))
    }
}

impl Seen {
    /// Why none of them fits.
    fn verdict<AccountId>(
        self,
        job: &mizan_protocol::jobs::Job<AccountId>,
    ) -> JobOutlook<AccountId> {
        match self {
            Self {
                bonds: Some((lock, largest_free_bond)),
                ..
            } => JobOutlook::BondsTooSmall {
                lock,
                largest_free_bond,
            },
            Self { excluded: true, .. } => JobOutlook::AllExcluded,
            Self {
                live: true,
                lowest_ask: Some(lowest_ask),
                ..
            } => JobOutlook::AsksAboveOffer {
                lowest_ask,
                offer: job.price_per_unit,
            },
            _ => JobOutlook::NoLiveWorker,
        }
    }
}
