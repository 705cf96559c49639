#pragma once
/// What the user wrote ([policy]) turned into decisions about tool calls and into confinements for the kernel.
/// The text checks give friendly messages and approvals; the Confinement is what holds.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/config.h"
#include "agent/policy/domain.h"
#include "agent/policy/refusal.h"
#include "sandbox/base/result.h"
#include "sandbox/confinement.h"
#include "sandbox/denial.h"
#include "sandbox/protected_names.h"

namespace rune::agent {

/// Where the run happens. All paths absolute.
struct Places {
  std::string cwd;          ///< Working directory of the tools.
  std::string home;         ///< The user's home; empty when there is none. Never granted as a whole.
  std::string config_home;  ///< XDG_CONFIG_HOME and XDG_DATA_HOME of the user; empty when not set.
  std::string data_home;
  std::string tmp_dir;                ///< The sandbox's private directory.
  std::vector<std::string> readable;  ///< Granted for reading besides the policy (build inputs).
};

/// How execute_cmd will run a command line.
struct CommandPlan {
  std::vector<std::string> argv;  ///< The words themselves when it is one simple command, else {"/bin/sh", "-c", text}.
  std::vector<std::string> programs;     ///< The names found in it, in order, without repetition.
  bool understood = false;               ///< False: beyond static analysis (a command name from a variable, eval, ...).
  std::string reason;                    ///< Why it is not understood.
  std::vector<std::string> writes;       ///< Files that redirections open for writing, as written.
  std::vector<std::string> runs_others;  ///< Those of `programs` that can start programs which the text does not show.
  std::vector<std::string> words;        ///< Arguments that are known from the text.

  bool needs_shell() const { return argv.size() == 3 && argv[0] == "/bin/sh" && argv[1] == "-c"; }
};

/// Whether a person, or the pipeline's author, has allowed a command line that no list allows.
enum class Approved : std::uint8_t { kNo, kYes };

class Policy {
 public:
  /// kInvalidInput on a malformed domain, an unknown system call name, an empty or overlong entry.
  static Result<Policy> Create(const PolicyConfig& config, const Places& places, PolicyMode default_mode);

  PolicyMode mode() const { return mode_; }
  const PolicyConfig& config() const { return config_; }
  const Places& places() const { return places_; }

  /// Parses a command line by the shell grammar (POSIX.1-2017, 2.10). Pure.
  static CommandPlan PlanCommand(const std::string& command_line);

  /// Relative redirections of `plan` are taken against places().cwd.
  Verdict CheckCommand(const std::string& command_line, const CommandPlan& plan) const;
  Verdict CheckRead(const std::string& path) const;  ///< `path` normalised, absolute, as the tools see it.
  Verdict CheckWrite(const std::string& path) const;
  Verdict CheckUrl(const std::string& url) const;
  /// What an argument of a command line names though it stays closed as a secret: a file of credentials, the address of
  /// a cloud's metadata. Not judged, for a word is no act, and the kernel holds; but it is told.
  std::optional<Refusal> NamedSecret(const CommandPlan& plan, const std::string& cwd) const;

  /// The confinement of file tools: no program can be executed.
  sandbox::Confinement ForFiles() const;
  /// That of a file tool which writes `path`, and nothing else: where a list names this very file and it is not there
  /// yet, it can be made.
  sandbox::Confinement ForWriting(const std::string& path) const;
  /// The same with the path of a refusal that a person approved.
  sandbox::Confinement ForApprovedFile(const Refusal& refusal) const;
  /// The confinement of a command line: exactly the allowed programs (and those of `plan`, when a person said yes)
  /// can be executed, and /bin/sh when the plan needs the shell.
  sandbox::Confinement ForCommand(const CommandPlan& plan, Approved approved) const;
  /// The confinement of fetch_url: only curl can be executed.
  sandbox::Confinement ForFetch() const;
  /// The same with the domain of a refusal that a person approved.
  sandbox::Confinement ForApprovedFetch(const Refusal& refusal) const;

  /// The hosts that arguments of a command line name with a port, as entries of allowed_domains. Pure.
  static std::vector<std::string> NamedHosts(const CommandPlan& plan);

  /// What the kernel refused to a tool, in words, with the way out that this policy has. A lookup does not say for
  /// which port it was; `hosts` may (NamedHosts()).
  Refusal Explain(const sandbox::Denial& denial, const std::vector<std::string>& hosts) const;

  /// The same with the words for the way out, or that there is none. A remedy that is there already is none.
  Refusal WithWayOut(Refusal refusal) const;

  /// What somebody wrote into a list and is not there: programs, files and trees. One safe line each.
  std::vector<std::string> Missing() const;

  /// True of a program that tools may write and that no list lets run: approved, it runs as the file that is opened.
  bool IsWritten(const std::string& program) const;
  /// What starts the script at `path`, as words before it; empty when it is no script.
  static std::vector<std::string> InterpreterOf(const std::string& path);

  /// Adds an approval for the rest of the session ("always").
  void Allow(const Refusal& refusal);

  /// What commands find in their environment besides what the sandbox gives them.
  std::vector<std::string> Environment() const;
  /// What a model is told of where it is and what it may do: at most 500 bytes.
  std::string Surroundings() const;
  /// What a person is told at the start; empty: nothing.
  std::string Notice() const;

  /// True when "*" is among the allowed domains.
  bool network_open() const;

  /// An absolute, normalised path as the tools see it: against places().cwd, with "~" as the user's home, and with the
  /// private directory as /tmp.
  std::string ResolvePath(std::string_view path) const;

 private:
  /// The lists in the form of the kernel's rules. Made at the first use: it reads /etc.
  struct Compiled {
    sandbox::FileAccess files;                // what every confinement starts from
    std::vector<std::string> denied;          // denied_paths
    std::vector<std::string> always_denied;   // credentials and our own settings
    std::vector<std::string> secrets;         // always_denied, and what holds the system's
    std::vector<std::string> program_trees;   // of allowed_paths_ro: readable by file tools only
    std::vector<std::string> writable_trees;  // of allowed_paths_rw, without /tmp
    std::vector<std::string> exec_trees;      // what runs whoever wrote it
  };
  Policy() = default;
  const Compiled& compiled() const;
  Compiled Compile() const;
  void AddWritable(Compiled& out) const;
  void CloseCredentials(Compiled& out, const std::vector<std::string>& of_system) const;
  void Say(std::string line) const;
  void AddExecutable(Compiled& out) const;
  void AddDenied(Compiled& out) const;
  bool cwd_is_broad() const;
  Result<void> CheckPrograms() const;
  std::string ToolPath() const;
  std::string Find(const std::string& program) const;
  bool IsWrittenFile(const std::string& path) const;
  std::vector<std::string> FilesNow(const std::string& program, Approved approved) const;
  void OpenNetwork(sandbox::Confinement& confinement) const;
  std::string FromConfig(std::string_view path) const;
  bool Reaches(std::string_view host) const;
  bool every_program() const;
  bool ProgramAllowed(const std::string& name) const;
  Verdict Ask(Refusal refusal) const;
  Verdict CheckRedirection(const std::string& path) const;
  std::optional<Refusal> CheckDenied(const std::string& path, sandbox::DeniedAct what) const;
  sandbox::Remedy WayOpen(sandbox::Grant grant, const std::string& path, const std::string& entry) const;
  bool MayList(const std::string& program) const;
  bool Helps(const sandbox::Remedy& remedy) const;
  std::string DirectoryOf(const sandbox::Remedy& remedy) const;
  std::string ClosedBy(const std::string& path) const;
  sandbox::Denial ByName(sandbox::Denial denial) const;
  sandbox::Remedy WayToRun(std::vector<std::string> programs) const;
  Refusal CommandRefusal(const std::string& command_line, const CommandPlan& plan,
                         std::vector<std::string> missing) const;
  std::vector<std::string> FilesOf(const std::string& program) const;
  sandbox::Confinement Base() const;
  sandbox::ProtectedNames protected_names() const;

  PolicyMode mode_ = PolicyMode::kAllowlist;
  PolicyConfig config_;
  std::string tool_path_;
  Places places_;
  sandbox::DomainAllowlist domains_;
  mutable std::optional<Compiled> compiled_;
  mutable std::vector<std::string> said_;  // once is enough, however often the lists change
  mutable std::map<std::string, std::vector<std::string>> program_files_;
};

}  // namespace rune::agent
