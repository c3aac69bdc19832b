//! What actors send: mostly what makes sense where the market is, and some of what does not.

use super::auditing::{auditing, wild_audits};
use super::challenges::{challenges, copies, wild_challenges};
use super::market::{periods, Market, Offer, State, Who, ACTORS, A_LITTLE, MAX_BATCH, PROGRAMS};
use super::money::{MIN_BOND, MIN_PRICE};
use super::picks::{Claim, Pick, Source};
use super::results::{Fault, FAULTS};
use super::sending::{Act, Batch, Consent};
use crate::EXISTENTIAL_DEPOSIT;
use mizan_protocol::{
    jobs::DeclineReason::{self, InputsUnavailable, TooLarge, Unavailable},
    UNIT,
};
use pallet_providers::MAX_SLOTS;
use proptest::{collection::vec, prelude::*, sample::select, strategy::Union};

/// What an actor may send, wrapped at most that deep.
pub(super) fn acts(market: &Market, who: Who, depth: u32) -> BoxedStrategy<Act> {
    let mut choices = Vec::new();
    // One that has taken its workers off and waits for its jobs to settle.
    let provider = market.providers.get(&who);
    let leaving = provider.is_some_and(|provider| provider.workers == 0 && provider.locks > 0);
    for (weight, sensible) in [
        (24, duties(market, who)),
        (5, entries(market, who)),
        (if leaving { 16 } else { 3 }, exits(market, who)),
    ] {
        if !sensible.is_empty() {
            choices.push((weight, select(sensible).boxed()));
        }
    }
    choices.extend(auditing(market, who));
    choices.extend(challenges(market, who));
    choices.extend(copies(market));
    let can_post = market.spendable(who) >= A_LITTLE;
    let offer = offer(market);
    choices.extend([
        (
            if can_post { 4 } else { 1 },
            offer.prop_map(Act::Post).boxed(),
        ),
        (1, wrong_offer(market).prop_map(Act::Post).boxed()),
        (2, wild_work(market).boxed()),
        (1, wild_challenges(market).boxed()),
        (1, wild_audits(market, who).boxed()),
        (3, money(market, who).boxed()),
        (1, wild_workforce(market, who).boxed()),
    ]);
    if depth > 0 {
        choices.extend(wrapped(acts(market, who, depth - 1)));
    }
    Union::new_weighted(choices).boxed()
}

/// Several in one transaction.
fn wrapped(inner: BoxedStrategy<Act>) -> [(u32, BoxedStrategy<Act>); 2] {
    let kinds = vec![Batch::UntilRefused, Batch::AllOrNothing, Batch::Whatever];
    let batch = (select(kinds), vec(inner.clone(), 0..4));
    let batch = batch.prop_map(|(kind, acts)| Act::Batch(kind, acts));
    let if_else = (inner.clone(), inner)
        .prop_map(|(main, fallback)| Act::IfElse(Box::new(main), Box::new(fallback)));
    [(3, batch.boxed()), (1, if_else.boxed())]
}

/// What a worker must do now, or leave undone at its cost.
pub(super) fn duties(market: &Market, who: Who) -> Vec<Act> {
    let mut acts = Vec::new();
    let own = market.jobs.values().filter(|job| job.is_given_to(who));
    for (place, record) in own.enumerate() {
        let State::Assigned(given) = &record.state else {
            continue;
        };
        let job = Pick::Given(place);
        let outputs = PROGRAMS[record.offer.model].outputs;
        let attest = |outputs, fault| Act::Attest {
            job,
            claim: Claim::Assignment,
            outputs,
            result: Source::Faulty(fault),
        };
        // Whose inputs were missed before are likely to be missed again.
        let missed = !record.missing.is_empty();
        let (attests, misses) = if missed { (1, 40) } else { (5, 3) };
        // A worker acts on a block that it has seen, so hardly in the same.
        let attests = if given.assigned == market.now {
            0
        } else {
            attests
        };
        acts.extend(vec![attest(outputs, Fault::None); 3 * attests]);
        if !missed {
            let faulty = FAULTS.map(|fault| attest(outputs, fault));
            acts.extend(vec![faulty; attests].concat());
            // Where a job is small, auditors look at what is wrong with it.
            let element = if record.offer.batch < 10 { 6 } else { 2 };
            acts.extend(vec![attest(outputs, Fault::Element); element * attests]);
        }
        acts.push(attest(outputs + 1, Fault::None));
        acts.extend(vec![Act::Decline(job, InputsUnavailable); misses]);
        acts.extend([TooLarge, Unavailable].map(|reason| Act::Decline(job, reason)));
    }
    if let Some(worker) = market.workers.get(&who) {
        let due = worker.heartbeat_is_due(market.now);
        // After a pause it may come sooner than otherwise.
        let paused = worker.paused_until > 0;
        acts.extend(vec![Act::Heartbeat; if due { 5 } else { paused.into() }]);
        // Seldom, or few jobs would find a worker.
        let online = worker.is_online(market.now) && !worker.convicted;
        if online && market.now.is_multiple_of(32) {
            acts.push(Act::GoOffline);
        }
    }
    // A convicted worker is of no use until it is registered anew.
    let own = market.workers.iter();
    let convicted = own.filter(|(_, worker)| worker.provider == who && worker.convicted);
    acts.extend(convicted.flat_map(|(key, _)| vec![Act::DeregisterWorker(*key); 3]));
    acts
}

/// What makes the actor a provider with workers.
fn entries(market: &Market, who: Who) -> Vec<Act> {
    let mut acts = Vec::new();
    if !market.providers.contains_key(&who) {
        let bonds = [MIN_BOND, 40 * UNIT, 200 * UNIT, 200 * UNIT];
        let affordable = bonds
            .into_iter()
            .filter(|bond| *bond <= market.spendable(who));
        acts.extend(affordable.map(Act::RegisterProvider));
        return acts;
    }
    let free = (0..ACTORS.len()).filter(|key| !market.workers.contains_key(key));
    for worker in free {
        // Its own key first: others have their own owners.
        let slots = if worker == who {
            vec![1, 2, 1]
        } else {
            vec![1]
        };
        let register = |slots, consent| Act::RegisterWorker {
            worker,
            ask: ASKS[(worker + slots as usize) % ASKS.len()],
            slots,
            consent,
        };
        acts.extend(
            slots
                .into_iter()
                .map(|slots| register(slots, Consent::ToThisProvider)),
        );
        if worker == (who + 1) % ACTORS.len() {
            acts.extend([Consent::None, Consent::ToAnother].map(|consent| register(1, consent)));
            acts.extend([0, MAX_SLOTS + 1].map(|slots| register(slots, Consent::ToThisProvider)));
        }
    }
    acts
}

/// What takes an actor out of the market, piece by piece.
fn exits(market: &Market, who: Who) -> Vec<Act> {
    let open = market
        .jobs
        .iter()
        .filter(|(_, job)| job.state == State::Open);
    let own = open.filter(|(_, job)| job.requester == who);
    let mut acts: Vec<_> = own
        .enumerate()
        .map(|(place, _)| Act::Cancel(Pick::Open(place)))
        .collect();
    let Some(provider) = market.providers.get(&who) else {
        return acts;
    };
    if provider.workers == 0 {
        acts.extend(vec![Act::Exit; 10]);
    }
    let own = market.workers.iter().filter(|(_, w)| w.provider == who);
    let backing = if provider.locks > 0 { 5 } else { 1 };
    acts.extend(own.flat_map(|(key, _)| vec![Act::DeregisterWorker(*key); backing]));
    let free = provider.free_bond();
    let above_least = provider.bond.saturating_sub(MIN_BOND);
    acts.extend([free, free + 1, above_least, above_least + 1, 1, 0].map(Act::Unbond));
    acts.push(Act::Exit);
    acts
}

/// Few asks and prices, so that they meet.
pub(super) const ASKS: [u128; 4] = [0, UNIT, UNIT, 2 * UNIT];
const PRICES: [u128; 5] = [2 * UNIT, UNIT, 2 * UNIT, 5 * UNIT, MIN_PRICE];

fn offer(market: &Market) -> impl Strategy<Value = Offer> {
    let named: Vec<_> = market.workers.keys().copied().collect();
    let named = if named.is_empty() { vec![0] } else { named };
    let servers = select(vec![
        vec![],
        vec!["https://blobs.example"],
        vec![
            "http://a.example",
            "https://b.example:8443/x",
            "http://c",
            "http://d/",
        ],
    ]);
    (
        select(vec![1usize, 0]),
        select(vec![1_000, 4_096, 4_096, 1, 7, 7]),
        select(PRICES.to_vec()),
        select(vec![6, 8, periods::MAX_DURATION]),
        select(vec![5, 2, 1, 13, periods::MAX_WAIT, periods::MAX_WAIT]),
        prop::option::weighted(0.25, select(named)),
        servers,
    )
        .prop_map(
            |(model, batch, price, duration, wait, worker, servers)| Offer {
                model,
                batch,
                inputs: PROGRAMS[model].inputs,
                price,
                duration,
                wait,
                worker,
                servers: servers.into_iter().map(String::from).collect(),
            },
        )
}

/// A sound offer with one change.
fn wrong_offer(market: &Market) -> impl Strategy<Value = Offer> {
    (offer(market), 0..18u32).prop_map(|(mut offer, change)| {
        match change {
            0 => offer.model = 2,
            1 => offer.batch = 0,
            2 => offer.batch = MAX_BATCH + 1,
            3 => offer.batch = u32::MAX,
            4 => offer.inputs += 1,
            5 => offer.inputs = 0,
            6 => offer.price = MIN_PRICE - 1,
            7 => offer.price = u128::MAX,
            8 => offer.price = 1_000_000 * UNIT,
            9 => offer.price = 0,
            10 => offer.duration = periods::MIN_DURATION,
            11 => offer.duration = periods::MAX_DURATION + 1,
            12 => offer.wait = 0,
            13 => offer.wait = periods::MAX_WAIT + 1,
            14 => offer.servers.insert(0, "ftp://a.example".into()),
            15 => offer.servers = vec!["https://".into()],
            16 => offer.servers = vec![String::new(), "http://a b".into()],
            _ => offer.worker = Some(0),
        }
        // At most four may be named.
        offer.servers.truncate(4);
        offer
    })
}

fn reason() -> impl Strategy<Value = DeclineReason> {
    select(vec![InputsUnavailable, TooLarge, Unavailable])
}

/// Anything about any job, by whomever.
fn wild_work(market: &Market) -> impl Strategy<Value = Act> {
    let (now, job) = (market.now, (0..=market.next_job).prop_map(Pick::Id));
    let claim = prop_oneof![
        Just(Claim::Assignment),
        Just(Claim::Zeros),
        (0..4u32).prop_map(move |back| Claim::Block(now.saturating_sub(back))),
    ];
    let attest = (job.clone(), claim, 0..3usize).prop_map(|(job, claim, outputs)| Act::Attest {
        job,
        claim,
        outputs,
        result: Source::Faulty(Fault::None),
    });
    prop_oneof![
        1 => job.clone().prop_map(Act::Cancel),
        1 => (job, reason()).prop_map(|(job, reason)| Act::Decline(job, reason)),
        3 => attest,
    ]
}

pub(super) fn amount(market: &Market, who: Who) -> impl Strategy<Value = u128> {
    let (free, spendable) = (market.accounts[who].free, market.spendable(who));
    let around = [free, spendable].into_iter();
    let mut amounts: Vec<_> = around
        .flat_map(|amount| [amount, amount + 1, amount.saturating_sub(1)])
        .collect();
    let least = EXISTENTIAL_DEPOSIT;
    amounts.extend([UNIT, 20 * UNIT, least, least - 1, 1, 0, u128::MAX]);
    select(amounts)
}

fn money(market: &Market, who: Who) -> impl Strategy<Value = Act> {
    let transfer = (0..ACTORS.len(), amount(market, who), any::<bool>()).prop_map(
        |(to, amount, keep_alive)| Act::Transfer {
            to,
            amount,
            keep_alive,
        },
    );
    prop_oneof![
        6 => transfer,
        2 => amount(market, who).prop_map(Act::Burn),
        2 => amount(market, who).prop_map(Act::Bond),
        1 => amount(market, who).prop_map(Act::BurnUncounted),
    ]
}

/// Anything about any worker and bond, by whomever.
fn wild_workforce(market: &Market, who: Who) -> impl Strategy<Value = Act> {
    let worker = 0..ACTORS.len();
    let consent = vec![Consent::None, Consent::ToThisProvider, Consent::ToAnother];
    let ask = select(ASKS.to_vec());
    let register = (
        worker.clone(),
        ask.clone(),
        select(vec![1, 2, MAX_SLOTS]),
        select(consent),
    )
        .prop_map(|(worker, ask, slots, consent)| Act::RegisterWorker {
            worker,
            ask,
            slots,
            consent,
        });
    let set_ask = (worker.clone(), prop_oneof![4 => ask, 1 => Just(u128::MAX)]);
    prop_oneof![
        2 => register,
        3 => set_ask.prop_map(|(worker, ask)| Act::SetAsk(worker, ask)),
        1 => worker.prop_map(Act::DeregisterWorker),
        2 => Just(Act::Heartbeat),
        1 => Just(Act::GoOffline),
        1 => prop_oneof![Just(MIN_BOND - 1), amount(market, who)].prop_map(Act::RegisterProvider),
        1 => amount(market, who).prop_map(Act::Unbond),
        1 => Just(Act::Exit),
    ]
}
