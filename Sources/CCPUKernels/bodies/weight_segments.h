// Which canonical channel stands at a lane of a block, where channels come in up to four segments, each
// padded to 16. Shared by all instruction sets.
#pragma once

struct channel_segments {
  long count, channels[4];
};
static inline long blocks_of_segments(const struct channel_segments *s) {
  long blocks = 0;
  for (long i = 0; i < s->count; i++) blocks += over(s->channels[i], 16);
  return blocks;
}
// −1 for a padding lane.
static inline long channel_at(const struct channel_segments *s, long block, long lane) {
  long before = 0;
  for (long i = 0; i < s->count; i++) {
    const long blocks = over(s->channels[i], 16);
    if (block < blocks) return 16 * block + lane < s->channels[i] ? before + 16 * block + lane : -1;
    block -= blocks;
    before += s->channels[i];
  }
  return -1;
}
