// A convolution's input segments as one list of channel blocks, staged with their prologue applied.

#ifndef VOXCL_CONV_INPUTS_H
#define VOXCL_CONV_INPUTS_H
enum { MAX_INPUT_BLOCKS = 1024 };  // 16,384 channels; the loader refuses more
struct conv_inputs {
  struct segment segments[MAX_SEGMENTS];
  long count, blocks;
  int lanes[MAX_INPUT_BLOCKS];
};
// A box of the virtual input, stored [block][d][h][w plane][w] with W split by residue modulo `step`, so
// that a strided run reads neighbours. Planes and rows of the input are `lines` apart (0: 1).
struct stage_box {
  long n, low[3], size[3], extent[3], step, plane, lines;
};
#define inputs_of VOXCL_NAME(inputs_of)
#define stage_row VOXCL_NAME(stage_row)
#define stage_block VOXCL_NAME(stage_block)
#endif

// Segments `first` … `first + count` of the call.
HELPER void inputs_of(struct conv_inputs *inputs, const struct voxcl_call *call, long words_at, long flags_at,
                      long first, long count, long batch) {
  inputs->count = count;
  inputs->blocks = 0;
  for (long s = 0; s < count; s++) {
    inputs->segments[s] = SEGMENT(first + s, words_at, flags_at, batch);
    const struct segment *segment = &inputs->segments[s];
    for (long b = 0; b < segment->blocks && inputs->blocks < MAX_INPUT_BLOCKS; b++)
      inputs->lanes[inputs->blocks++] = (int)least(16, segment->channels - 16 * b);
  }
}

// One row of the box, in order along W; zero outside the input.
HELPER void stage_row(const struct segment *segment, long block, const struct stage_box *box, long d, long h,
                      v16 *row) {
  const long size = box->size[2], low = box->low[2];
  const long from = least(size, most(0, -low)), to = most(from, least(size, box->extent[2] - low));
  if (d < 0 || d >= box->extent[0] || h < 0 || h >= box->extent[1] || from == to) {
    memset(row, 0, (size_t)size * sizeof(v16));
    return;
  }
  memset(row, 0, (size_t)from * sizeof(v16));
  segment_row(segment, box->n, block, d, h, low + from, to - from, row + from);
  memset(row + to, 0, (size_t)(size - to) * sizeof(v16));
}

// Stages input block `block` of all segments; `spare` holds a row where the row is split.
HELPER void stage_block(const struct conv_inputs *inputs, long block, const struct stage_box *box,
    v16 *staged,
                        v16 *spare) {
  const struct segment *segment = inputs->segments;
  const long lines = most(1, box->lines);
  while (block >= segment->blocks) block -= segment++->blocks;
  for (long d = 0; d < box->size[0]; d++) {
    for (long h = 0; h < box->size[1]; h++, staged += box->plane * box->step) {
      if (box->step == 1) {
        stage_row(segment, block, box, box->low[0] + d * lines, box->low[1] + h * lines, staged);
        continue;
      }
      stage_row(segment, block, box, box->low[0] + d * lines, box->low[1] + h * lines, spare);
      for (long w = 0; w < box->size[2]; w++) staged[w % box->step * box->plane + w / box->step] = spare[w];
    }
  }
}
