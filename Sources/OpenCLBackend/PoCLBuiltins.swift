/// PoCL puts clang's header of all built-in functions, 18,000 lines, in front of every program: two thirds of the time of a
/// start with full caches. Its include guard leaves it out; what our kernels call is declared here, as it stands there.
enum PoCLBuiltins {
  /// Leaves the header out. Where another version of PoCL has no such guard, this is in vain and does no harm.
  static let option = "-D_OPENCL_H_"

  static let declarations = """
    #define FN __attribute__((overloadable, const))
    #define READ __attribute__((overloadable, pure))
    #define WRITE __attribute__((overloadable))
    #define MATH(f) float FN f(float); float16 FN f(float16);
    MATH(exp) MATH(expm1) MATH(erf) MATH(tanh) MATH(sqrt) MATH(log) MATH(log1p) MATH(floor) MATH(ceil) MATH(fabs)
    #define ORDER(T) T FN min(T, T); T FN max(T, T); T FN clamp(T, T, T);
    ORDER(int) ORDER(uint) ORDER(long) ORDER(ulong) ORDER(float)
    #define ORDER16(T) ORDER(T##16) T##16 FN min(T##16, T); T##16 FN max(T##16, T); T##16 FN clamp(T##16, T, T);
    ORDER16(int) ORDER16(uint) ORDER16(long) ORDER16(ulong) ORDER16(float)
    float FN fma(float, float, float); float16 FN fma(float16, float16, float16);
    float FN pow(float, float); float16 FN pow(float16, float16);
    int FN any(int16); int FN all(int16);
    #define SELECT(T, C) T FN select(T, T, C); T##16 FN select(T##16, T##16, C##16);
    SELECT(float, int) SELECT(int, int) SELECT(uint, int) SELECT(long, long) SELECT(ulong, long)
    #define MEMORY(T, S) T##16 READ vload16(size_t, const S T*); void WRITE vstore16(T##16, size_t, S T*);
    #define SPACES(T) MEMORY(T, __global) MEMORY(T, __private) T##16 READ vload16(size_t, const __constant T*);
    SPACES(float) SPACES(int) SPACES(uint) SPACES(ushort) SPACES(uchar)
    float READ vload_half(size_t, const __global half*); float16 READ vload_half16(size_t, const __global half*);
    void WRITE vstore_half_rte(float, size_t, __global half*);
    void WRITE vstore_half16_rte(float16, size_t, __global half*);
    #define CONVERT(T, S) T##16 FN convert_##T##16(S##16);
    CONVERT(int, uint) CONVERT(int, float) CONVERT(int, ushort) CONVERT(int, uchar) CONVERT(int, long)
    CONVERT(uint, int) CONVERT(uint, float) CONVERT(uint, ushort) CONVERT(uint, uchar) CONVERT(uint, ulong)
    CONVERT(ulong, uint) CONVERT(ulong, int) CONVERT(long, int) CONVERT(float, int) CONVERT(float, uint)
    size_t FN get_group_id(uint); size_t FN get_num_groups(uint);
    #undef FN
    #undef READ
    #undef WRITE
    #undef MATH
    #undef ORDER
    #undef ORDER16
    #undef SELECT
    #undef MEMORY
    #undef SPACES
    #undef CONVERT

    """
}
