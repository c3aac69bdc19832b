// What blocks leave to each other. A word is there for others only when the thread that stored it
// has made a fence, and a block may arrive only when all its threads have: whatever the hardware
// would get away with ends the process here.

#include <unordered_map>
#include <unordered_set>

#include "fibres.hpp"
#include "products.hpp"

namespace emulator {

namespace {

// What was stored without a fence since, by thread of the running block.
std::unordered_map<u32, std::unordered_set<const Words *>> unfenced;
// The same of blocks that have ended.
std::unordered_set<const Words *> lost;
bool has_arrived, may_load;
u64 countdown;
u32 flipped_bit;

}  // namespace

void begin_sharing() {
    for (const auto &stored : unfenced) lost.insert(stored.second.begin(), stored.second.end());
    unfenced.clear();
    has_arrived = may_load = false;
}

void end_sharing() {
    begin_sharing();
    lost.clear();
}

void store_for_others(Words *to, const Words &words) {
    if (has_arrived) fail("a block has arrived before all of it is stored");
    *to = words;
    lost.erase(to);
    unfenced[thread].insert(to);
}

void device_fence() {
    unfenced.erase(thread);
    // Of a thread that has seen that others have arrived.
    if (has_arrived) may_load = true;
}

u32 arrive_at(u32 *counter, u32 value) {
    if (!unfenced.empty()) fail("a block arrives before all its threads have a fence");
    has_arrived = true;
    const u32 before = *counter;
    *counter += value;
    return before;
}

Words load_of_others(const Words *from) {
    if (!may_load) fail("others' words are loaded without a fence behind the arrival");
    if (lost.count(from)) fail("others' words are loaded that were stored without a fence");
    Words words = *from;
    if (countdown > 0 && --countdown == 0) words.word[0] ^= 1u << flipped_bit;
    return words;
}

void disturb_shared(u64 load, u32 bit) {
    countdown = load;
    flipped_bit = bit;
}

}  // namespace emulator
