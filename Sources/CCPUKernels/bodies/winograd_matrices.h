// The matrices of F(m, 3): with points a, A[i][j] = a_j^i, G[j][k] = a_j^k / Π(a_j − a_l), row j of B the
// coefficients of Π(x − a_l) over the other points; the last point is infinity. (Toom–Cook, as in Lavin and
// Gray, "Fast algorithms for convolutional neural networks", CVPR 2016.)
#pragma once

static const float winograd_output_2[2][4] = {
    {1.0, 1.0, 1.0, 0.0},
    {0.0, 1.0, -1.0, 1.0}};
static const float winograd_input_2[4][4] = {
    {-1.0, 0.0, 1.0, 0.0},
    {0.0, 1.0, 1.0, 0.0},
    {0.0, -1.0, 1.0, 0.0},
    {0.0, -1.0, 0.0, 1.0}};
static const double winograd_weight_2[4][3] = {
    {-1.0, 0.0, 0.0},
    {0.5, 0.5, 0.5},
    {0.5, -0.5, 0.5},
    {0.0, 0.0, 1.0}};
// Points 0, ±3/4, ±3/2: a third of the rounding error of 0, ±1, ±2, and every coefficient but the weights' exact.
static const float winograd_output_4[4][6] = {
    {1.0, 1.0, 1.0, 1.0, 1.0, 0.0},
    {0.0, 0.75, -0.75, 1.5, -1.5, 0.0},
    {0.0, 0.5625, 0.5625, 2.25, 2.25, 0.0},
    {0.0, 0.421875, -0.421875, 3.375, -3.375, 1.0}};
static const float winograd_input_4[6][6] = {
    {1.265625, 0.0, -2.8125, 0.0, 1.0, 0.0},
    {0.0, -1.6875, -2.25, 0.75, 1.0, 0.0},
    {0.0, 1.6875, -2.25, -0.75, 1.0, 0.0},
    {0.0, -0.84375, -0.5625, 1.5, 1.0, 0.0},
    {0.0, 0.84375, -0.5625, -1.5, 1.0, 0.0},
    {0.0, 1.265625, 0.0, -2.8125, 0.0, 1.0}};
static const double winograd_weight_4[6][3] = {
    {64.0 / 81.0, 0.0, 0.0},
    {-128.0 / 243.0, -32.0 / 81.0, -8.0 / 27.0},
    {-128.0 / 243.0, 32.0 / 81.0, -8.0 / 27.0},
    {32.0 / 243.0, 16.0 / 81.0, 8.0 / 27.0},
    {32.0 / 243.0, -16.0 / 81.0, 8.0 / 27.0},
    {0.0, 0.0, 1.0}};
// F(5, 2), of the phases of stride 2: the same points, so the same input transform.
static const float winograd_output_5[5][6] = {
    {1.0, 1.0, 1.0, 1.0, 1.0, 0.0},
    {0.0, 0.75, -0.75, 1.5, -1.5, 0.0},
    {0.0, 0.5625, 0.5625, 2.25, 2.25, 0.0},
    {0.0, 0.421875, -0.421875, 3.375, -3.375, 0.0},
    {0.0, 0.31640625, 0.31640625, 5.0625, 5.0625, 1.0}};
static const double winograd_weight_5[6][2] = {
    {64.0 / 81.0, 0.0},
    {-128.0 / 243.0, -32.0 / 81.0},
    {-128.0 / 243.0, 32.0 / 81.0},
    {32.0 / 243.0, 16.0 / 81.0},
    {32.0 / 243.0, -16.0 / 81.0},
    {0.0, 1.0}};
// The weight gradient is the adjoint: Aᵀ's transpose takes an output gradient to the frequencies, Gᵀ their sums to taps.
static const float winograd_target_2[4][2] = {{1.0, 0.0}, {1.0, 1.0}, {1.0, -1.0}, {0.0, 1.0}};
static const float winograd_taps_2[3][4] = {{-1.0, 0.5, 0.5, 0.0}, {0.0, 0.5, -0.5, 0.0}, {0.0, 0.5, 0.5, 1.0}};
static const float winograd_target_4[6][4] = {
    {1.0, 0.0, 0.0, 0.0},
    {1.0, 0.75, 0.5625, 0.421875},
    {1.0, -0.75, 0.5625, -0.421875},
    {1.0, 1.5, 2.25, 3.375},
    {1.0, -1.5, 2.25, -3.375},
    {0.0, 0.0, 0.0, 1.0}};
static const float winograd_taps_4[3][6] = {
    {64.0 / 81.0, -128.0 / 243.0, -128.0 / 243.0, 32.0 / 243.0, 32.0 / 243.0, 0.0},
    {0.0, -32.0 / 81.0, 32.0 / 81.0, 16.0 / 81.0, -16.0 / 81.0, 0.0},
    {0.0, -8.0 / 27.0, -8.0 / 27.0, 8.0 / 27.0, 8.0 / 27.0, 1.0}};
static const float winograd_target_5[6][5] = {
    {1.0, 0.0, 0.0, 0.0, 0.0},
    {1.0, 0.75, 0.5625, 0.421875, 0.31640625},
    {1.0, -0.75, 0.5625, -0.421875, 0.31640625},
    {1.0, 1.5, 2.25, 3.375, 5.0625},
    {1.0, -1.5, 2.25, -3.375, 5.0625},
    {0.0, 0.0, 0.0, 0.0, 1.0}};
static const float winograd_taps_5[2][6] = {
    {64.0 / 81.0, -128.0 / 243.0, -128.0 / 243.0, 32.0 / 243.0, 32.0 / 243.0, 0.0},
    {0.0, -32.0 / 81.0, 32.0 / 81.0, 16.0 / 81.0, -16.0 / 81.0, 1.0}};

// Of tiles of M: frequencies of an axis, and taps (of a phase, where M is 5).
#define POINTS(M) ((M) == 2 ? 4 : 6)
#define AXIS_TAPS(M) ((M) == 5 ? 2 : 3)
