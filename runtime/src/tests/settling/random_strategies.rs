//! Whatever people do, the books are right.

use crate::{tests::chain::*, Balances, Jobs, Providers, Rewards, Runtime};
use mizan_protocol::UNIT;
use polkadot_sdk::*;
use proptest::prelude::*;
use sp_core::H256;
use sp_keyring::Sr25519Keyring;

const PEOPLE: [Sr25519Keyring; 5] = [Bob, Charlie, Dave, Eve, Ferdie];

/// What one of five people may do in a block.
#[derive(Clone, Debug)]
enum Act {
    Register(usize, u128, u128),
    Heartbeat(usize),
    GoOffline(usize),
    Post(usize, u32, u128, Option<usize>),
    Cancel(usize, u64),
    Decline(usize, u64, bool),
    Attest(usize, u64),
    Unbond(usize, u128),
    Leave(usize),
    Transfer(usize, usize, u128),
    Burn(usize, u128),
    Wait(u32),
}

fn act() -> impl Strategy<Value = Act> {
    let who = 0..PEOPLE.len();
    let amount = prop_oneof![0..=300 * UNIT, Just(u128::MAX), Just(0)];
    let price = 0..=50_000 * UNIT;
    let job = 0..12u64;
    prop_oneof![
        3 => (who.clone(), amount.clone(), price.clone()).prop_map(|(w, b, a)| Act::Register(w, b, a)),
        4 => who.clone().prop_map(Act::Heartbeat),
        1 => who.clone().prop_map(Act::GoOffline),
        4 => (who.clone(), 0..4_200u32, price, prop::option::of(who.clone()))
            .prop_map(|(w, b, p, d)| Act::Post(w, b, p, d)),
        1 => (who.clone(), job.clone()).prop_map(|(w, j)| Act::Cancel(w, j)),
        1 => (who.clone(), job.clone(), any::<bool>()).prop_map(|(w, j, i)| Act::Decline(w, j, i)),
        6 => (who.clone(), job).prop_map(|(w, j)| Act::Attest(w, j)),
        1 => (who.clone(), amount.clone()).prop_map(|(w, a)| Act::Unbond(w, a)),
        1 => who.clone().prop_map(Act::Leave),
        1 => (who.clone(), who.clone(), amount.clone()).prop_map(|(a, b, v)| Act::Transfer(a, b, v)),
        1 => (who, amount).prop_map(|(w, a)| Act::Burn(w, a)),
        5 => (1..9u32).prop_map(Act::Wait),
    ]
}

/// Does it as a transaction would: what fails changes nothing.
fn perform(model: H256, act: Act) {
    use mizan_protocol::jobs::DeclineReason::{InputsUnavailable, Unavailable};
    let origin = |who: usize| signed(PEOPLE[who]);
    let root = sp_io::storage::root(sp_runtime::StateVersion::V1);
    let result = frame_support::storage::with_storage_layer(|| match act {
        Act::Register(who, bond, ask) => Providers::register_provider(origin(who), bond)
            .and_then(|()| Providers::register_worker(origin(who), id(PEOPLE[who]), ask, 2, None)),
        Act::Heartbeat(who) => Providers::heartbeat(origin(who)),
        Act::GoOffline(who) => Providers::go_offline(origin(who)),
        Act::Post(who, batch, price, directed) => {
            let worker = directed.map(|d| id(PEOPLE[d]));
            Post {
                batch,
                price,
                worker,
                ..Post::of(model)
            }
            .by(PEOPLE[who])
        }
        Act::Cancel(who, job) => Jobs::cancel_job(origin(who), job),
        Act::Decline(who, job, inputs) => {
            let reason = if inputs {
                InputsUnavailable
            } else {
                Unavailable
            };
            Jobs::decline_job(origin(who), job, reason)
        }
        Act::Attest(who, job) => {
            if !pallet_jobs::Jobs::<Runtime>::contains_key(job) {
                return Ok(());
            }
            attest(PEOPLE[who], job)
        }
        Act::Unbond(who, amount) => Providers::unbond(origin(who), amount),
        Act::Leave(who) => Providers::deregister_worker(origin(who), id(PEOPLE[who]))
            .and_then(|()| Providers::exit(origin(who))),
        Act::Transfer(from, to, value) => {
            Balances::transfer_allow_death(origin(from), id(PEOPLE[to]).into(), value)
        }
        Act::Burn(who, amount) => Rewards::burn(origin(who), amount),
        Act::Wait(blocks) => {
            pass(blocks);
            Ok(())
        }
    });
    if result.is_err() {
        assert_eq!(root, sp_io::storage::root(sp_runtime::StateVersion::V1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whatever five people do, no token appears or vanishes outside the books, no invariant
    /// breaks, and all of them together never end richer than they began: nobody profits
    /// from dealing with himself, whatever accounts take part.
    #[test]
    fn no_strategy_of_all_accounts_together_gains(acts in prop::collection::vec(act(), 1..90)) {
        on_chain(|| {
            let model = model();
            let all = || PEOPLE.iter().map(|who| wealth(*who)).sum::<u128>();
            let before = all();
            for act in acts {
                perform(model, act);
                check_invariants();
            }
            pass(timing().max_wait_blocks.min(120));
            assert!(all() <= before);
            let minted = pallet_rewards::Minted::<Runtime>::get();
            let burned = pallet_rewards::Burned::<Runtime>::get();
            assert_eq!(before - all(), burned - minted);
            assert!(minted * 2 <= burned);
        });
    }
}
