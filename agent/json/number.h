#pragma once
/// Numbers as ECMAScript writes them (ECMA-262, Number::toString; RFC 8785, section 3.2.2.3).

#include <string>

namespace rune::json {

/// The shortest text that reads back as `value`: "0.1", "1e+21", "333333333.3333333". Negative zero is "0".
/// `value` must be finite.
std::string FormatNumber(double value);

}  // namespace rune::json
