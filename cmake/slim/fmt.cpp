// fmt's functions for statically linked programs: Debian has its library only as a shared one, its headers have all of
// it.
#include <fmt/format-inl.h>

namespace fmt::detail {

// What <fmt/format.h> declares as instantiated in the library.
template void buffer<char>::append(const char*, const char*);
template void vformat_to(buffer<char>&, string_view, basic_format_args<buffer_context<char>>, locale_ref);
template thousands_sep_result<char> thousands_sep_impl<char>(locale_ref);
template char decimal_point_impl<char>(locale_ref);
template dragonbox::decimal_fp<float> dragonbox::to_decimal(float);
template dragonbox::decimal_fp<double> dragonbox::to_decimal(double);

}  // namespace fmt::detail
