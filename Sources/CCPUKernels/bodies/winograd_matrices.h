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
static const float winograd_output_4[4][6] = {
    {1.0, 1.0, 1.0, 1.0, 1.0, 0.0},
    {0.0, 1.0, -1.0, 0.5, -2.0, 0.0},
    {0.0, 1.0, 1.0, 0.25, 4.0, 0.0},
    {0.0, 1.0, -1.0, 0.125, -8.0, 1.0}};
static const float winograd_input_4[6][6] = {
    {1.0, -1.5, -2.0, 1.5, 1.0, 0.0},
    {0.0, -1.0, 0.5, 2.5, 1.0, 0.0},
    {0.0, 1.0, -2.5, 0.5, 1.0, 0.0},
    {0.0, -2.0, -1.0, 2.0, 1.0, 0.0},
    {0.0, 0.5, -1.0, -0.5, 1.0, 0.0},
    {0.0, 1.0, -1.5, -2.0, 1.5, 1.0}};
static const double winograd_weight_4[6][3] = {
    {1.0, 0.0, 0.0},
    {1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0},
    {-1.0 / 3.0, 1.0 / 3.0, -1.0 / 3.0},
    {-16.0 / 15.0, -8.0 / 15.0, -4.0 / 15.0},
    {1.0 / 15.0, -2.0 / 15.0, 4.0 / 15.0},
    {0.0, 0.0, 1.0}};
