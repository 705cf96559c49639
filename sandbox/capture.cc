#include "sandbox/capture.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sandbox/base/files.h"
#include "sandbox/base/paths.h"

namespace rune::sandbox {

void Capture::Append(std::string_view data) {
  total_ += data.size();
  if (!overflowed_) {
    if (head_.size() + data.size() <= options_.keep_head + options_.keep_tail) {
      head_ += data;
      return;
    }
    overflowed_ = true;
    // By the descriptor: what is at the directory's path by now is the command's choice; O_EXCL and O_NOFOLLOW: so is
    // what is in it.
    const std::string name(FileName(options_.spill_path));
    spill_.Reset(
        ::openat(options_.directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644));
    head_ += data;
    Spill(head_);
    tail_ = head_.substr(options_.keep_head);
    head_.resize(options_.keep_head);
  } else {
    Spill(data);
    tail_ += data;
  }
  // Trimmed now and then, not per read: the cost stays linear.
  if (tail_.size() > options_.keep_tail * 2 + data.size()) tail_.erase(0, tail_.size() - options_.keep_tail);
}

void Capture::Spill(std::string_view data) {
  // A full disk loses the file, not the call.
  if (spill_.valid() && !WriteAll(spill_.get(), data).ok()) spill_.Reset();
}

Stream Capture::Take() {
  Stream stream;
  stream.head = std::move(head_);
  stream.total = total_;
  if (overflowed_) {
    if (tail_.size() > options_.keep_tail) tail_.erase(0, tail_.size() - options_.keep_tail);
    stream.tail = std::move(tail_);
    if (spill_.valid()) stream.spill = options_.spill_path;
  }
  return stream;
}

Result<UniqueFd> StdinFor(const std::string& data) {
  if (data.empty()) return OpenFile("/dev/null", O_RDONLY);
  UniqueFd memory(::memfd_create("stdin", MFD_CLOEXEC));
  if (!memory.valid()) return Error::FromErrno("memfd_create");
  RUNE_RETURN_IF_ERROR(WriteAll(memory.get(), data));
  if (::lseek(memory.get(), 0, SEEK_SET) != 0) return Error::FromErrno("lseek");
  return memory;
}

}  // namespace rune::sandbox
