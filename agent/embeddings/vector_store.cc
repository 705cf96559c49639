#include "agent/embeddings/vector_store.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "sandbox/base/files.h"
#include "sandbox/base/log.h"
#include "sandbox/base/paths.h"
#include "sandbox/base/text.h"

namespace rune::agent {
namespace {

static_assert(std::endian::native == std::endian::little, "the file is written as memory holds it");

constexpr std::string_view kMagic = "RUNEVEC1";
constexpr std::size_t kMaxFile = 256u << 20;

/// FNV-1a, 64 bit: stable over versions and machines, which std::hash is not.
std::uint64_t HashOf(std::string_view text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3U;
  }
  return hash;
}

template <typename T>
void Put(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

/// Takes a value off the front; false when there is none.
template <typename T>
bool Take(std::string_view& data, T& value) {
  if (data.size() < sizeof value) return false;
  std::memcpy(&value, data.data(), sizeof value);
  data.remove_prefix(sizeof value);
  return true;
}

/// Where it lies: opened once, for commands may change what the path leads to.
Result<HeldFile> HoldStore(const std::string& path) {
  RUNE_RETURN_IF_ERROR(MakeDirs(ParentOf(path), 0700));
  RUNE_ASSIGN_OR_RETURN(HeldFile file, HeldFile::Hold(path, 0600));
  if (!file.is_regular()) return Error::Invalid(path + ": is no regular file");
  return file;
}

}  // namespace

VectorStore::VectorStore(const std::string& path, std::string model) : model_(std::move(model)) {
  if (path.empty()) return;
  auto file = HoldStore(path);
  if (!file.ok()) {
    Log(LogLevel::kWarn, "embeddings.store is not used: " + file.error().message);
    return;
  }
  file_ = std::move(file).value();
  Load(path);
}

void VectorStore::Load(const std::string& path) {
  const auto data = file_->Read(kMaxFile);
  if (data.ok() && (!*data || Parse(**data))) return;
  entries_.clear();
  positions_.clear();
  Log(LogLevel::kWarn, path + ": is damaged and will be replaced" + (data.ok() ? "" : ": " + data.error().message));
}

/// False when the data is damaged; a store of another model is left out silently.
bool VectorStore::Parse(std::string_view data) {
  std::uint64_t checksum = 0;
  if (!data.starts_with(kMagic) || data.size() < kMagic.size() + sizeof checksum) return false;
  std::string_view end = data.substr(data.size() - sizeof checksum);
  data.remove_suffix(sizeof checksum);
  if (!Take(end, checksum) || checksum != HashOf(data)) return false;
  data.remove_prefix(kMagic.size());
  std::uint32_t length = 0;
  std::uint32_t dimension = 0;
  std::uint32_t count = 0;
  if (!Take(data, length) || data.size() < length) return false;
  const std::string_view model = data.substr(0, length);
  data.remove_prefix(length);
  if (!Take(data, dimension) || !Take(data, count)) return false;
  if (model != model_) return true;
  const std::uint64_t entry = sizeof(std::uint64_t) + std::uint64_t{dimension} * sizeof(float);
  if (data.size() != entry * count) return false;
  for (std::uint32_t i = 0; i < count; ++i) {
    Entry& added = entries_.emplace_back();
    Take(data, added.hash);
    added.vector.resize(dimension);
    for (float& x : added.vector) Take(data, x);
    // Not believed, though the checksum is right: a vector that is none would make every comparison NaN.
    if (!Normalize(added.vector)) return false;
    positions_[added.hash] = i;
  }
  return true;
}

const Vector* VectorStore::Find(std::string_view text) const {
  const auto found = positions_.find(HashOf(text));
  return found == positions_.end() ? nullptr : &entries_[found->second].vector;
}

void VectorStore::Add(std::string_view text, Vector vector) {
  if (!entries_.empty() && entries_.front().vector.size() != vector.size()) {
    entries_.clear();
    positions_.clear();
  }
  changed_ = true;
  const std::uint64_t hash = HashOf(text);
  if (const auto found = positions_.find(hash); found != positions_.end()) {
    entries_[found->second].vector = std::move(vector);
    return;
  }
  positions_[hash] = entries_.size();
  entries_.push_back({hash, std::move(vector)});
}

Result<void> VectorStore::Save() {
  if (!file_ || !changed_ || entries_.empty()) return Ok();
  const std::size_t count = std::min(entries_.size(), kMostEntries);
  std::string out(kMagic);
  Put(out, static_cast<std::uint32_t>(model_.size()));
  out += model_;
  Put(out, static_cast<std::uint32_t>(entries_.front().vector.size()));
  Put(out, static_cast<std::uint32_t>(count));
  for (std::size_t i = entries_.size() - count; i < entries_.size(); ++i) {
    Put(out, entries_[i].hash);
    for (const float x : entries_[i].vector) Put(out, x);
  }
  Put(out, HashOf(out));
  RUNE_RETURN_IF_ERROR(file_->Write(out));
  changed_ = false;
  return Ok();
}

std::vector<std::size_t> NearestVectors(const Vector& query, const std::vector<const Vector*>& candidates,
                                        std::size_t k) {
  std::vector<double> cosine(candidates.size(), -2);  // below every cosine
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (candidates[i] == nullptr || candidates[i]->size() != query.size()) continue;
    cosine[i] = std::inner_product(query.begin(), query.end(), candidates[i]->begin(), 0.0);
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return cosine[a] > cosine[b]; });
  if (order.size() > k) order.resize(k);
  return order;
}

}  // namespace rune::agent
