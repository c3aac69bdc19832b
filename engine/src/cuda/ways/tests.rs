use super::*;

const CHOICE: Choice = Choice {
    family: Mma16x8x32,
    alone: false,
    has_large: true,
    processors: 108,
};

#[test]
fn the_largest_tile_is_taken_that_fills_the_device() {
    assert_eq!(CHOICE.tile(4_096, 4_096), LARGE_MMA_16X8X32);
    assert_eq!(CHOICE.tile(2_048, 1_024), MIDDLE_MMA_16X8X32);
    assert_eq!(CHOICE.tile(17, 4_096), SMALL_MMA_16X8X32);
    let without = Choice {
        has_large: false,
        ..CHOICE
    };
    assert_eq!(without.tile(4_096, 4_096), MIDDLE_MMA_16X8X32);
}

#[test]
fn few_rows_go_to_their_own_kernel_unless_a_family_is_asked_for() {
    for family in KernelFamily::ALL {
        let choice = Choice { family, ..CHOICE };
        assert_eq!(choice.tile(16, 1_000), ROWS_DP4A);
        assert_ne!(choice.tile(17, 1_000), ROWS_DP4A);
    }
    let asked = Choice {
        alone: true,
        ..CHOICE
    };
    assert_eq!(asked.tile(1, 1_000), SMALL_MMA_16X8X32);
}

#[test]
fn warpgroups_multiply_what_fills_the_device_and_leave_the_rest_to_others() {
    let choice = Choice {
        family: Wgmma,
        processors: 132,
        ..CHOICE
    };
    assert_eq!(choice.tile(4_096, 4_096), LARGE_WGMMA);
    assert_eq!(choice.tile(17, 256 * 132), LARGE_WGMMA);
    assert_eq!(choice.tile(17, 256 * 131), MIDDLE_MMA_16X8X32);
    assert_eq!(choice.tile(16, 256 * 132), ROWS_DP4A);
    let alone = Choice {
        alone: true,
        ..choice
    };
    assert_eq!(alone.tile(1, 1), LARGE_WGMMA);
}

#[test]
fn every_tile_that_may_be_chosen_is_of_a_family_that_is_loaded() {
    for family in KernelFamily::ALL {
        for alone in [false, true] {
            let choice = Choice {
                family,
                alone,
                ..CHOICE
            };
            for m in [1, 16, 17, 1_000, 100_000] {
                let tile = choice.tile(m, 1_000);
                assert!(choice.families().any(|loaded| loaded == tile.family));
            }
        }
    }
}

/// Names and parts.
fn ways(choice: Choice, m: u64, n: u32, k: u32) -> Vec<String> {
    let ways = choice.ways(m, n, k);
    ways.into_iter().map(Way::name).collect()
}

#[test]
fn few_rows_are_tried_with_blocks_that_share_tiles() {
    // 64 tiles for 108 multiprocessors that hold three such blocks each.
    let expected = [
        "linear_mma_m16n8k32_64x64",
        "linear_mma_m16n8k32_64x64 in 2 parts",
        "linear_mma_m16n8k32_64x64 in 5 parts",
        "linear_dp4a_rows",
    ];
    for m in [1, 16, 64] {
        assert_eq!(ways(CHOICE, m, 4_096, 4_096), expected);
    }
    let expected = [
        "linear_mma_m16n8k32_128x256",
        "linear_mma_m16n8k32_128x256 in 3 parts",
        "linear_mma_m16n8k32_128x128",
        "linear_mma_m16n8k32_128x128 in 3 parts",
        "linear_mma_m16n8k32_64x64",
    ];
    assert_eq!(ways(CHOICE, 256, 4_096, 4_096), expected);
    let old = Choice {
        family: Dp4a,
        processors: 28,
        ..CHOICE
    };
    let expected = ["linear_dp4a_rows", "linear_dp4a_128x128"];
    assert_eq!(ways(old, 40, 4_096, 4_096), expected);
    let narrow = ["linear_dp4a_128x128", "linear_dp4a_128x128 in 3 parts"];
    let parts = "linear_dp4a_128x128 in 7 parts";
    assert_eq!(ways(old, 256, 512, 4_096), [narrow[0], narrow[1], parts]);
}

#[test]
fn short_reductions_are_not_divided() {
    for k in [1, 64, 7 * 64] {
        let ways = CHOICE.ways(64, 1_024, k);
        assert!(ways.iter().all(|way| way.parts == 1), "{k}: {ways:?}");
    }
    let deepest = CHOICE.ways(1, 1, 65_536);
    assert!(deepest.iter().any(|way| u64::from(way.parts) == MOST_PARTS));
}

#[test]
fn what_fills_the_device_many_times_over_is_left_to_large_tiles() {
    let expected = ["linear_mma_m16n8k32_128x256", "linear_mma_m16n8k32_128x128"];
    assert_eq!(ways(CHOICE, 16_384, 16_384, 16_384), expected);
    let hopper = Choice {
        family: Wgmma,
        has_large: false,
        processors: 132,
        ..CHOICE
    };
    let expected = ["linear_wgmma_128x256", "linear_mma_m16n8k32_128x128"];
    assert_eq!(ways(hopper, 16_384, 16_384, 16_384), expected);
}

#[test]
fn a_family_that_is_asked_for_alone_is_the_only_one_tried() {
    for family in KernelFamily::ALL {
        let choice = Choice {
            family,
            alone: true,
            ..CHOICE
        };
        for m in [1, 17, 100, 1_000, 100_000] {
            let ways = choice.ways(m, 1_000, 1_000);
            assert!(!ways.is_empty());
            assert!(ways.iter().all(|way| way.tile.family == family));
        }
    }
}

#[test]
fn every_way_that_is_tried_is_of_a_loaded_family_and_has_room() {
    for family in KernelFamily::ALL {
        for (processors, has_large) in [(1, true), (2, false), (28, true), (132, false)] {
            let choice = Choice {
                family,
                alone: false,
                has_large,
                processors,
            };
            for m in [1, 5, 64, 65, 128, 300, 5_000, u64::MAX] {
                for (n, k) in [(1, 1), (10, 65_536), (4_096, 4_096), (u32::MAX, 65_536)] {
                    let ways = choice.ways(m, n, k);
                    assert!(!ways.is_empty() && ways.len() <= 12);
                    for way in ways {
                        let loaded = choice.families();
                        assert!(loaded.into_iter().any(|each| each == way.tile.family));
                        assert!(way.fits(Room::of(processors), m, n), "{way:?}");
                        assert!(way.parts == 1 || way.tile.depth.is_some());
                        assert!(way.tile != LARGE_MMA_16X8X32 || has_large);
                    }
                }
            }
        }
    }
}

#[test]
fn rows_that_are_tried_fill_the_device_and_are_no_more_than_there_are() {
    assert_eq!(CHOICE.telling_rows(1_000, 4_096), 1_000);
    let rows = CHOICE.telling_rows(1 << 20, 16_384);
    assert_eq!(rows, CHOICE.telling_rows(u64::MAX, 16_384));
    for tile in CHOICE.tiles() {
        let held = u64::from(CHOICE.processors * tile.resident);
        assert!(tile.count(rows, 16_384) >= FILLED * held, "{tile:?}");
    }
    assert!(rows < 1 << 14);
    // No row is too wide.
    assert!(CHOICE.telling_rows(u64::MAX, u32::MAX) >= 128);
}
