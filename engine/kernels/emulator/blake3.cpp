// BLAKE3 against known answers, and its inner nodes against a plain implementation.

#include "testing.hpp"

namespace {

// Hashes of blobs whose byte i is i % 251: plain, and with the key of BLAKE3's own vectors.
const char KEY[] = "whats the Elvish word for friend";
const struct {
    u64 length;
    const char *plain, *keyed;
} ANSWERS[] = {
    {0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
     "92b2b75604ed3c761f9d6f62392c8a9227ad0ea3f09573e783f1498a4ed60d26"},
    {1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213",
     "6d7878dfff2f485635d39013278ae14f1454b8c0a3a2d34bc1ab38228a80c95b"},
    {63, "e9bc37a594daad83be9470df7f7b3798297c3d834ce80ba85d6e207627b7db7b",
     "bb1eb5d4afa793c1ebdd9fb08def6c36d10096986ae0cfe148cd101170ce37ae"},
    {64, "4eed7141ea4a5cd4b788606bd23f46e212af9cacebacdc7d1f4c6dc7f2511b98",
     "ba8ced36f327700d213f120b1a207a3b8c04330528586f414d09f2f7d9ccb7e6"},
    {65, "de1e5fa0be70df6d2be8fffd0e99ceaa8eb6e8c93a63f2d8d1c30ecb6b263dee",
     "c0a4edefa2d2accb9277c371ac12fcdbb52988a86edc54f0716e1591b4326e72"},
    {1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11",
     "c951ecdf03288d0fcc96ee3413563d8a6d3589547f2c2fb36d9786470f1b9d6e"},
    {1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7",
     "75c46f6f3d9eb4f55ecaaee480db732e6c2105546f1e675003687c31719c7ba4"},
    {1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444",
     "357dc55de0c7e382c900fd6e320acc04146be01db6a8ce7210b7189bd664ea69"},
    {2048, "e776b6028c7cd22a4d0ba182a8bf62205d2ef576467e838ed6f2529b85fba24a",
     "879cf1fa2ea0e79126cb1063617a05b6ad9d0b696d0d757cf053439f60a99dd1"},
    {2049, "5f4d72f40d7a5f82b15ca2b2e44b1de3c2ef86c426c95c1af0b6879522563030",
     "9f29700902f7c86e514ddc4df1e3049f258b2472b6dd5267f61bf13983b78dd5"},
    {3072, "b98cb0ff3623be03326b373de6b9095218513e64f1ee2edd2525c7ad1e5cffd2",
     "044a0e7b172a312dc02a4c9a818c036ffa2776368d7f528268d2e6b5df191770"},
    {3073, "7124b49501012f81cc7f11ca069ec9226cecb8a2c850cfe644e327d22d3e1cd3",
     "68dede9bef00ba89e43f31a6825f4cf433389fedae75c04ee9f0cf16a427c95a"},
    {5121, "628bd2cb2004694adaab7bbd778a25df25c47b9d4155a55f8fbd79f2fe154cff",
     "6ccf1c34753e7a044db80798ecd0782a8f76f33563accaddbfbb2e0ea4b2d024"},
    {8193, "bab6c09cb8ce8cf459261398d2e7aef35700bf488116ceb94a36d0f5f1b7bc3b",
     "954a2a75420c8d6547e3ba5b98d963e6fa6491addc8c023189cc519821b4a1f5"},
    {31744, "62b6960e1a44bcc1eb1a611a8d6235b6b4b78f32e7abc4fb4c6cdcce94895c47",
     "efa53b389ab67c593dba624d898d0f7353ab99e4ac9d42302ee64cbf9939a419"},
    {102400, "bc3e3d41a1146b069abffad3c0d44860cf664390afce4d9661f7902e7943e085",
     "1c35d1a5811083fd7119f5d5d1ba027b4d01c0c6c49fb6ff2cf75393ea5db4a7"},
    {1048576, "74cb441fd087764ca9c3694da742ebe30cbeb3060a17009ca81825c7a8d10343",
     "59b889b0821111fc4c249dc98b5435b767b44fb881542c61a85c1bebbffb2906"},
    {1048577, "2f053cd7472cf0cd2f9adaf45c1180255b91b9a865404a63671a0ee5f792ed33",
     "a0c8e093827da3e07e22fa684eb60fc1600cf44c5036c80fb0b587d0f39ef421"},
    {2100227, "139463bd7e8b431520ff93a28392fdb3a5d5e03113e045af896269b97dc7201d",
     "456af25dd0ebc70e24d936038b5ca63bd8f6fc6cc2fb857fa90cfbdb8cba45e8"},
};

struct Node {
    u32 word[8];
};

u32 rotate(u32 value, u32 bits) {
    return value >> bits | value << (32 - bits);
}

// The compression function as its paper writes it, section 2.2.
Node compressed(const Node &node, const u8 *bytes, u32 count, u64 counter, u32 flags) {
    static const u32 INITIAL[4] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a};
    static const u32 ORDER[16] = {2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8};
    u32 message[16] = {}, state[16];
    if (count > 0) std::memcpy(message, bytes, count);
    std::memcpy(state, node.word, 32);
    std::memcpy(state + 8, INITIAL, 16);
    state[12] = u32(counter);
    state[13] = u32(counter >> 32);
    state[14] = count;
    state[15] = flags;
    for (u32 round = 0; round < 7; ++round) {
        for (u32 i = 0; i < 8; ++i) {
            const u32 turn = i / 4;
            u32 &a = state[i % 4], &b = state[4 + (i + turn) % 4];
            u32 &c = state[8 + (i + 2 * turn) % 4], &d = state[12 + (i + 3 * turn) % 4];
            for (u32 half = 0; half < 2; ++half) {
                a = a + b + message[2 * i + half];
                d = rotate(d ^ a, half == 0 ? 16 : 8);
                c = c + d;
                b = rotate(b ^ c, half == 0 ? 12 : 7);
            }
        }
        u32 ordered[16];
        for (u32 i = 0; i < 16; ++i) ordered[i] = message[ORDER[i]];
        std::memcpy(message, ordered, sizeof message);
    }
    Node result;
    for (u32 i = 0; i < 8; ++i) result.word[i] = state[i] ^ state[8 + i];
    return result;
}

// The node over `length` bytes that start at chunk `first`; `root` is 8 for the root, or 0.
Node tree(const u8 *bytes, u64 length, u64 first, const Node &start, u32 mode, u32 root) {
    if (length > 1024) {
        u64 left = 1024;
        while (2 * left < length) left *= 2;
        const Node children[2] = {
            tree(bytes, left, first, start, mode, 0),
            tree(bytes + left, length - left, first + left / 1024, start, mode, 0)};
        return compressed(start, (const u8 *)children, 64, 0, mode | 4 | root);
    }
    Node node = start;
    for (u64 i = 0; i == 0 || i < length; i += 64) {
        const bool last = i + 64 >= length;
        const u32 flags = mode | (i == 0 ? 1 : 0) | (last ? 2 | root : 0);
        node = compressed(node, bytes + i, last ? u32(length - i) : 64, first, flags);
    }
    return node;
}

std::string hexadecimal(const void *bytes) {
    char text[65];
    for (u32 i = 0; i < 32; ++i) std::snprintf(text + 2 * i, 3, "%02x", ((const u8 *)bytes)[i]);
    return text;
}

struct Hashed {
    std::string hash;
    // The nodes of 1 MiB subtrees; empty where the blob has one chunk only.
    std::vector<Node> subtrees;
};

// As blake3.cu says.
Hashed hashed(const Buffer &blob, const u32 *key) {
    u64 count = blob.size == 0 ? 1 : divide_up(blob.size, 1024);
    Hashed result;
    Buffer *nodes = new Buffer(count * 32);
    launch("blake3_chunks", divide_up(count, 128), 128, 0, blob.data, u64(blob.size), u64(0), key,
           nodes->data, u32(count == 1));
    for (bool first = true; count > 1; first = false) {
        const u64 groups = divide_up(count, 1024);
        Buffer *parents = new Buffer(groups * 32);
        launch("blake3_tree", groups, 256, 0, nodes->data, count, key, parents->data,
               u32(count <= 1024));
        delete nodes;
        nodes = parents;
        count = groups;
        if (first) result.subtrees.assign(nodes->as<Node>(), nodes->as<Node>() + count);
    }
    result.hash = hexadecimal(nodes->data);
    delete nodes;
    return result;
}

void test_answer(u64 length, u32 offset, const u32 *key, const std::string &answer) {
    Buffer blob(length, offset);
    for (u64 i = 0; i < length; ++i) blob.data[i] = u8(i % 251);
    const Hashed result = hashed(blob, key);
    ++cases;
    if (result.hash != answer) fail("blake3: wrong hash of " + std::to_string(length) + " bytes");
    if (result.subtrees.size() < 2) return;
    Node start = {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                   0x1f83d9ab, 0x5be0cd19}};
    if (key) std::memcpy(start.word, key, 32);
    for (u64 i = 0; i < result.subtrees.size(); ++i) {
        const u64 at = i << 20, behind = length - at, bytes = behind < 1 << 20 ? behind : 1 << 20;
        const Node node = tree(blob.data + at, bytes, i * 1024, start, key ? 16 : 0, 0);
        if (std::memcmp(&node, &result.subtrees[i], 32) != 0) {
            fail("blake3: wrong subtree " + std::to_string(i) + " of " + std::to_string(length));
        }
    }
}

// Part of a blob, behind more chunks than 32 bits count.
void test_far_chunks() {
    Random random = {11};
    const u64 first = (u64(1) << 32) - 2;
    Buffer part(5 * 1024 - 100), nodes(5 * 32);
    part.fill(random);
    launch("blake3_chunks", 1, 128, 0, part.data, u64(part.size), first, (u32 *)nullptr,
           nodes.data, 0u);
    const Node start = {{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                         0x1f83d9ab, 0x5be0cd19}};
    for (u64 i = 0; i < 5; ++i) {
        const Node node =
            tree(part.data + 1024 * i, i < 4 ? 1024 : 924, first + i, start, 0, 0);
        ++cases;
        if (std::memcmp(&node, nodes.data + 32 * i, 32) != 0) fail("blake3: wrong far chunk");
    }
}

}  // namespace

void test_blake3() {
    u32 key[8];
    std::memcpy(key, KEY, 32);
    for (const auto &answer : ANSWERS) {
        for (i32 reversed = 0; reversed < 2; ++reversed) {
            emulated_order(reversed);
            const u32 offset = reversed ? 5 : 0;
            test_answer(answer.length, offset, nullptr, answer.plain);
            test_answer(answer.length, offset, key, answer.keyed);
        }
    }
    emulated_order(0);
    test_far_chunks();
}
