// Goes to an address of ours as a click on a link does; joined before the scripts that use it.
function follow(place, address) {
  const link = document.createElement("a");
  link.href = address;
  place.append(link);
  link.click();
  link.remove();
}
