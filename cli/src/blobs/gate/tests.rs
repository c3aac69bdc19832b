use super::*;
use crate::job::state::tests::{assignment, attestation, job};
use crate::model::show::tests::model;
use mizan_client::views::{EndReason, JobState};

const REQUESTER: [u8; 32] = [1; 32];
const WORKER: [u8; 32] = [4; 32];

fn rules() -> Rules {
    Rules {
        allowed: HashSet::from([[8; 32]]),
        requesters: HashSet::from([REQUESTER]),
    }
}

fn upload(account: [u8; 32], job: Option<u64>) -> Upload {
    Upload {
        account,
        job,
        content: Content::Blob,
        hash: [6; 32],
        length: 10,
    }
}

fn standing(state: JobState) -> Standing {
    let mut model = model();
    model.cost.item_trace_bytes = 330;
    Standing::of(&job(state), &model)
}

fn claim(state: JobState) -> Claim {
    let Standing::Claimed(claim) = standing(state) else {
        panic!("no worker has the job");
    };
    claim
}

fn assigned() -> Claim {
    let assignment = assignment();
    claim(JobState::Assigned { assignment })
}

fn attested() -> Claim {
    claim(JobState::Attested {
        assignment: assignment(),
        attestation: attestation(),
    })
}

/// A gate whose chain is never there.
fn gate() -> MarketGate {
    MarketGate::new(rules(), "ws://127.0.0.1:1")
}

#[test]
fn the_worker_of_a_requesters_job_may_upload_its_results() {
    assert_eq!(standing(JobState::Open), Standing::Unassigned);
    let reason = EndReason::Expired;
    let ended = JobState::Ended { reason, block: 9 };
    assert_eq!(standing(ended), Standing::Over);
    let (rules, own) = (rules(), upload(WORKER, Some(7)));
    assert_eq!(assigned().check(&rules, &own), Ok(Part::Result));
    assert_eq!(attested().check(&rules, &own), Ok(Part::Result));
    assert_eq!(assigned().max_bytes, 330 * 360);
}

#[test]
fn others_longer_blobs_and_results_that_were_not_attested_are_refused() {
    let refused = |claim: Claim, upload: Upload| {
        let refusal = claim.check(&rules(), &upload).unwrap_err();
        assert!(matches!(refusal, Refusal::NotAllowed(_)));
        refusal.to_string()
    };
    let own = upload(WORKER, Some(7));
    let long = Upload {
        length: 330 * 360 + 1,
        ..own.clone()
    };
    assert!(refused(assigned(), long).contains("118801 bytes are more than"));
    let other = upload([9; 32], Some(7));
    assert!(refused(assigned(), other).contains("another worker"));
    let stranger = Claim {
        requester: [2; 32],
        ..assigned()
    };
    assert!(refused(stranger, own.clone()).contains("not of a requester"));
    let made_up = Upload {
        hash: [9; 32],
        ..own
    };
    assert!(refused(attested(), made_up).contains("attested other results"));
}

#[test]
fn the_log_says_who_wanted_what_and_why_it_was_refused() {
    let own = upload(WORKER, Some(7));
    let refused = line(&own, &refuse("another worker has the job"));
    let account = format_address(&AccountId(WORKER));
    let end = format!("10 bytes, by {account} for job 7: refused: another worker has the job");
    assert!(refused.ends_with(&end), "{refused}");
    assert!(line(&own, &Ok(())).ends_with("for job 7: let in"));
}

#[tokio::test]
async fn a_worker_uploads_no_more_blobs_than_its_job_has_results() {
    let (gate, claim) = (gate(), assigned());
    assert_eq!(claim.blobs, 2);
    let count = |job, byte| {
        let blob = Upload {
            hash: [byte; 32],
            ..upload(WORKER, Some(job))
        };
        let (gate, claim) = (&gate, &claim);
        async move { gate.count(job, claim, Part::Result, &blob).await }
    };
    for byte in [1, 2, 1] {
        assert_eq!(count(7, byte).await, Ok(()));
    }
    let refused = count(7, 3).await.unwrap_err();
    assert!(refused.to_string().contains("2 results"), "{refused}");
    assert_eq!(count(8, 3).await, Ok(()));
}

/// An auditor checks all of a job with three linear operations.
fn audited() -> Claim {
    Claim {
        advice: vec![40, 40, 80],
        ..attested()
    }
}

fn accumulators(byte: u8, length: u64) -> Upload {
    Upload {
        hash: [byte; 32],
        length,
        ..upload(WORKER, Some(7))
    }
}

#[test]
fn accumulators_and_their_list_are_let_in_while_an_auditor_checks_all_of_the_job() {
    let list = Upload {
        content: Content::AdviceList,
        ..upload(WORKER, Some(7))
    };
    let rules = rules();
    let check = |claim: Claim, upload: &Upload| claim.check(&rules, upload);
    assert_eq!(check(audited(), &list), Ok(Part::AdviceList));
    // They may be longer than any result.
    let long = Claim {
        max_bytes: 1,
        ..audited()
    };
    let sums = accumulators(9, 80);
    assert_eq!(check(long, &sums), Ok(Part::Accumulators));
    let refused = |claim, upload: &Upload| check(claim, upload).unwrap_err().to_string();
    assert!(refused(attested(), &list).contains("no auditor"));
    assert!(refused(assigned(), &list).contains("no auditor"));
    assert!(refused(attested(), &sums).contains("attested other results"));
    let other = accumulators(9, 81);
    assert!(refused(audited(), &other).contains("no accumulators of the job have 81 bytes"));
    let stranger = Upload {
        account: [9; 32],
        ..list
    };
    assert!(refused(audited(), &stranger).contains("another worker"));
}

#[test]
fn a_worker_uploads_accumulators_once_for_each_operation() {
    let (mut blobs, claim) = (Blobs::default(), audited());
    let mut count = |byte, length| {
        let upload = accumulators(byte, length);
        blobs.count(&claim, Part::Accumulators, &upload)
    };
    for (byte, length) in [(1, 40), (2, 40), (3, 80), (1, 40)] {
        assert_eq!(count(byte, length), Ok(()));
    }
    for (byte, length, most) in [(4, 40, "2 accumulators"), (4, 80, "1 accumulators")] {
        let refused = count(byte, length).unwrap_err().to_string();
        assert!(refused.contains(most), "{refused}");
    }
}

#[tokio::test]
async fn a_requester_puts_no_advice_list() {
    let list = Upload {
        content: Content::AdviceList,
        ..upload(REQUESTER, None)
    };
    let refused = gate().admit(&list).await.unwrap_err();
    assert!(matches!(refused, Refusal::NotAllowed(_)), "{refused}");
    let listed = Upload {
        account: [8; 32],
        ..list
    };
    assert_eq!(gate().admit(&listed).await, Ok(()));
}

#[tokio::test]
async fn listed_accounts_and_requesters_need_no_chain() {
    for account in [[8; 32], REQUESTER] {
        assert_eq!(gate().admit(&upload(account, None)).await, Ok(()));
    }
    let refused = gate().admit(&upload([9; 32], None)).await.unwrap_err();
    assert!(matches!(refused, Refusal::NotAllowed(_)));
}

#[tokio::test]
async fn without_the_chain_a_worker_is_told_to_try_again() {
    let gate = gate();
    for _ in 0..2 {
        let refused = gate.admit(&upload(WORKER, Some(7))).await.unwrap_err();
        assert!(matches!(&refused, Refusal::Unavailable(_)), "{refused}");
        assert!(refused.to_string().contains("try again soon"), "{refused}");
    }
}
