//! Making a worker give what nobody has: which demands are made, and their answers.
//!
//! A demand costs half its deposit if it is answered, and nothing if silence convicts. An auditor
//! has a few places of its own at the lowest price; its clock rests while one of them is open.

use super::{sampled::Known, slices::Piece, AuditError, Subject};
use crate::sampling::random;
use mizan_client::{
    disputes::Demand, runtime::disputes::calls::Answer, At, Client, ClientError, Hash,
};
use mizan_tensor::{Finding, Request};

/// Demands of an auditor that are open at once, at most.
pub const OPEN_DEMANDS: usize = 4;
/// Blocks before the last one that showed a demand open in which its answer is looked for as well:
/// that one may have been given up.
const LOOK_BACK: u32 = 16;

/// A demand of this auditor that was open when it was last looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Its id among those of the job.
    pub id: u32,
    /// What was demanded.
    pub request: Request,
    /// The newest block then.
    pub seen_block: u32,
}

/// What is demanded for one audit.
#[derive(Clone, Debug, Default)]
pub struct Demanding {
    /// To be demanded, in this order.
    pub wanted: Vec<Request>,
    pending: Vec<Pending>,
}

impl Demanding {
    /// Takes note of the demands that are open in the newest block, and gives those that are open
    /// no longer. Without a note from before, as after a restart, they are taken over.
    pub fn look(&mut self, open: &[Demand], block: u32) -> Vec<Pending> {
        let is_open = |pending: &Pending| open.iter().any(|demand| demand.id == pending.id);
        let gone = self.pending.iter().copied();
        let gone = gone.filter(|pending| !is_open(pending)).collect();
        self.pending = open
            .iter()
            .map(|demand| Pending {
                id: demand.id,
                request: demand.request,
                seen_block: block,
            })
            .collect();
        let pending = &self.pending;
        self.wanted
            .retain(|wanted| pending.iter().all(|pending| pending.request != *wanted));
        gone
    }

    /// What to demand now, where so many more may be demanded for this audit.
    pub fn next(&self, may_make: u32) -> Vec<Request> {
        let free = OPEN_DEMANDS.saturating_sub(self.pending.len());
        let free = free.min(usize::try_from(may_make).unwrap_or(usize::MAX));
        self.wanted.iter().take(free).copied().collect()
    }

    /// A demand was made.
    pub fn made(&mut self, request: Request, id: u32, block: u32) {
        self.wanted.retain(|wanted| *wanted != request);
        self.pending.push(Pending {
            id,
            request,
            seen_block: block,
        });
    }

    /// Whether an answer is waited for.
    pub fn waits(&self) -> bool {
        !self.pending.is_empty()
    }
}

/// Of all that is missing, what is demanded: openings of elements before chunks. Where not all can
/// be demanded, chance decides, so that nobody knows what he can do without.
pub fn choose(missing: Vec<Request>, may_make: u32) -> Vec<Request> {
    let most = usize::try_from(may_make).unwrap_or(usize::MAX);
    let (mut chosen, mut rest): (Vec<_>, Vec<_>) = missing
        .into_iter()
        .partition(|request| matches!(request, Request::Element { .. }));
    for list in [&mut chosen, &mut rest] {
        if list.len() > most {
            let mut mixed: Vec<_> = list.drain(..).map(|request| (random(), request)).collect();
            mixed.sort_unstable_by_key(|(number, _)| *number);
            list.extend(mixed.into_iter().map(|(_, request)| request));
        }
    }
    chosen.append(&mut rest);
    chosen.truncate(most);
    chosen
}

/// Takes over what an answer shows. `false` if it is no answer.
pub fn learn(
    known: &mut Known,
    subject: &Subject,
    request: &Request,
    answer: Vec<u8>,
) -> Result<bool, AuditError> {
    let Ok(finding) = subject.referee()?.check_answer(request, &answer) else {
        return Ok(false);
    };
    match *request {
        // The chain convicts by a wrong one, and the audit is over.
        Request::Element { operation, index } if finding == Finding::Right => {
            known.right.insert((operation, index));
        }
        Request::Chunks { blob, first, count } => {
            let piece = Piece {
                blob,
                chunks: first..first.saturating_add(count.into()),
            };
            let named = subject.blob(blob)?;
            return Ok(known.kept.insert(named, piece, answer));
        }
        Request::Element { .. } | Request::Nodes { .. } => {}
    }
    Ok(true)
}

/// The bytes of answers to a demand in the blocks up to `newest`. Whether the chain took them is
/// not asked: what is an answer proves itself. One inside another call, as of a proxy, is not
/// found, and demanded again.
pub async fn answers_to(
    client: &Client,
    job: u64,
    pending: &Pending,
    newest: u32,
) -> Result<Vec<Vec<u8>>, ClientError> {
    let mut answers = Vec::new();
    for block in pending.seen_block.saturating_sub(LOOK_BACK)..=newest {
        if let Some(hash) = client.block_hash(block).await? {
            answers_in(client, job, pending.id, hash, &mut answers).await?;
        }
    }
    Ok(answers)
}

async fn answers_in(
    client: &Client,
    job: u64,
    demand: u32,
    block: Hash,
    answers: &mut Vec<Vec<u8>>,
) -> Result<(), ClientError> {
    let unreadable = |error: &dyn std::fmt::Display| {
        ClientError::Unexpected(format!("a block's transactions: {error}"))
    };
    let at = client.at(At::Hash(block)).await?;
    let extrinsics = at.extrinsics().fetch().await;
    let extrinsics = extrinsics.map_err(|error| unreadable(&error))?;
    for extrinsic in extrinsics.iter() {
        let extrinsic = extrinsic.map_err(|error| unreadable(&error))?;
        let Some(call) = extrinsic.decode_call_data_fields_as::<Answer>() else {
            continue;
        };
        let call = call.map_err(|error| unreadable(&error))?;
        if call.job == job && call.demand == demand {
            answers.push(call.answer.0);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auditing::fixture::Fixture;
    use mizan_client::AccountId;
    use mizan_tensor::{AuditScope, BlobRef};

    fn element(index: u64) -> Request {
        Request::Element {
            operation: 0,
            index,
        }
    }

    fn chunks(first: u64) -> Request {
        Request::Chunks {
            blob: BlobRef::Trace,
            first,
            count: 8,
        }
    }

    fn demand(id: u32, request: Request) -> Demand {
        Demand {
            id,
            demander: AccountId([1; 32]),
            request,
            deposit: 1,
            answer_by_time: 9,
        }
    }

    #[test]
    fn elements_are_demanded_first_and_never_more_than_is_paid_for() {
        let missing = vec![chunks(0), element(1), chunks(8), element(2)];
        let all = [element(1), element(2), chunks(0), chunks(8)];
        assert_eq!(choose(missing.clone(), 64), all);
        let three = choose(missing.clone(), 3);
        assert_eq!(three[..2], [element(1), element(2)]);
        assert_eq!(three.len(), 3);
        assert!(choose(missing, 0).is_empty());
    }

    #[test]
    fn chance_decides_what_is_demanded_of_too_much() {
        let many: Vec<_> = (0..100).map(element).collect();
        let drawn: Vec<_> = (0..8).map(|_| choose(many.clone(), 4)).collect();
        assert!(drawn.iter().any(|other| *other != drawn[0]));
        assert!(drawn.iter().flatten().all(|request| many.contains(request)));
    }

    #[test]
    fn four_demands_are_open_at_once_and_the_next_follows_an_answer() {
        let mut demanding = Demanding {
            wanted: (0..7).map(element).collect(),
            ..Demanding::default()
        };
        assert_eq!(demanding.next(64).len(), 4);
        assert_eq!(demanding.next(1), [element(0)]);
        for (id, request) in (0..).zip(demanding.next(64)) {
            demanding.made(request, id, 10);
        }
        assert!(demanding.waits());
        assert!(demanding.next(64).is_empty());
        let open: Vec<_> = (1..4).map(|id| demand(id, element(id.into()))).collect();
        let gone = demanding.look(&open, 12);
        assert_eq!(gone.len(), 1);
        assert_eq!((gone[0].id, gone[0].seen_block), (0, 10));
        assert_eq!(demanding.next(64), [element(4)]);
        demanding.look(&[], 13);
        assert!(!demanding.waits());
    }

    #[test]
    fn after_a_restart_open_demands_are_waited_for_and_not_made_again() {
        let mut demanding = Demanding::default();
        assert!(demanding.look(&[demand(5, element(1))], 20).is_empty());
        demanding.wanted = vec![element(1), element(2)];
        demanding.look(&[demand(5, element(1))], 21);
        assert_eq!(demanding.next(64), [element(2)]);
        let gone = demanding.look(&[], 22);
        assert_eq!((gone[0].id, gone[0].seen_block), (5, 21));
    }

    #[test]
    fn an_answer_fills_the_gap_and_anything_else_does_not() {
        let fixture = Fixture::new();
        let subject = fixture.subject();
        let mut known = Known::default();
        let request = chunks(8);
        let answer = fixture.exhibit(|exhibits| exhibits.answer(&request).unwrap());
        assert!(!learn(&mut known, subject, &chunks(0), answer.clone()).unwrap());
        assert!(learn(&mut known, subject, &request, answer).unwrap());
        let (operation, index) = fixture.brief(AuditScope::Sampled).elements().unwrap()[0];
        let request = Request::Element { operation, index };
        let answer = fixture.exhibit(|exhibits| exhibits.answer(&request).unwrap());
        assert!(learn(&mut known, subject, &request, answer).unwrap());
        assert!(known.right.contains(&(operation, index)));
    }
}
