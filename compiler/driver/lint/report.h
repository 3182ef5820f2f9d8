// Findings in the forms that people and programs read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/driver/lint/finding.h"

namespace loam::driver::findings {

// "Dockerfile:3:5: warning: message [DL3008]" and the line, with a mark below; `color`: ANSI.
std::string TextReport(const std::vector<Finding>& findings, bool color);
// {"findings": [{file, rule, severity, message, url, range: {start: {line, column, offset}, end}, fixes}]}; columns in
// bytes, from 1.
std::string JsonReport(const std::vector<Finding>& findings);
// SARIF 2.1.0, one run; columns in UTF-16 code units. `version`: the program's.
std::string SarifReport(const std::vector<Finding>& findings, std::string_view version);
// Workflow commands of GitHub Actions: "::warning file=…,line=…::message".
std::string GithubReport(const std::vector<Finding>& findings);
// Checkstyle's XML.
std::string CheckstyleReport(const std::vector<Finding>& findings);

}  // namespace loam::driver::findings
