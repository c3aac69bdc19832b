//! What an auditor has to do for a job.

use mizan_client::{
    audits::{AuditView, ReceiptDemandView},
    AccountId, Hash,
};

/// What there is to do for a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Duty {
    /// It is to be audited.
    Audit {
        /// The job.
        job: u64,
        /// Of the draw.
        seed: Hash,
    },
    /// A receipt is to be opened.
    Opening {
        /// The job.
        job: u64,
        /// The pass, by its place among those of the job.
        pass: u32,
        /// Which byte of what the receipt was made of.
        index: u64,
    },
}

impl Duty {
    /// The job.
    pub fn job(&self) -> u64 {
        match self {
            Self::Audit { job, .. } | Self::Opening { job, .. } => *job,
        }
    }
}

/// What an account has to do for a job.
pub fn duties_of(
    job: u64,
    audit: &AuditView,
    demands: &[ReceiptDemandView],
    account: &AccountId,
) -> Vec<Duty> {
    let at_work = audit.at_work().filter(|open| open.auditor == *account);
    let at_work = at_work.map(|open| Duty::Audit {
        job,
        seed: open.seed,
    });
    let openings = demands.iter().filter(|demand| {
        let place = usize::try_from(demand.pass).unwrap_or(usize::MAX);
        let pass = audit.passes.get(place);
        pass.is_some_and(|pass| pass.auditor == *account && !pass.slashed)
    });
    let openings = openings.map(|demand| Duty::Opening {
        job,
        pass: demand.pass,
        index: demand.index,
    });
    at_work.into_iter().chain(openings).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mizan_client::audits::{AuditScope, AuditStage, OpenAuditView, PassView};

    const ME: AccountId = AccountId([1; 32]);
    const OTHER: AccountId = AccountId([2; 32]);

    fn pass(auditor: AccountId, slashed: bool) -> PassView {
        PassView {
            auditor,
            lock: 1,
            seed: [3; 32],
            scope: AuditScope::Sampled,
            ordered: false,
            receipt: [4; 32],
            slashed,
        }
    }

    fn audit(at_work: Option<AccountId>, passes: Vec<PassView>) -> AuditView {
        let open = |auditor| OpenAuditView {
            auditor,
            lock: 1,
            seed: [5; 32],
            scope: AuditScope::Sampled,
            ordered: false,
            verdict_by_time: 9,
            open_demands: 0,
            answered: 0,
        };
        AuditView {
            stage: at_work.map_or(AuditStage::Done, |auditor| AuditStage::Open(open(auditor))),
            passes,
            drawn: Vec::new(),
            misses: 0,
            order: None,
        }
    }

    fn demand(pass: u32) -> ReceiptDemandView {
        ReceiptDemandView {
            pass,
            demander: OTHER,
            index: 6,
            deposit: 1,
            answer_by_time: 9,
        }
    }

    #[test]
    fn whoever_is_at_work_audits_and_whoever_passed_opens_its_receipt() {
        let mine = Duty::Audit {
            job: 7,
            seed: [5; 32],
        };
        assert_eq!(duties_of(7, &audit(Some(ME), vec![]), &[], &ME), [mine]);
        assert_eq!(duties_of(7, &audit(Some(OTHER), vec![]), &[], &ME), []);
        let passes = vec![pass(OTHER, false), pass(ME, false), pass(ME, true)];
        let demands = [demand(0), demand(1), demand(2), demand(3)];
        let opening = Duty::Opening {
            job: 7,
            pass: 1,
            index: 6,
        };
        let found = duties_of(7, &audit(None, passes.clone()), &demands, &ME);
        assert_eq!(found, [opening]);
        assert_eq!(duties_of(7, &audit(None, passes), &[], &ME), []);
    }
}
