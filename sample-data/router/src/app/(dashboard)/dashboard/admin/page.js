"use client";
import useSWR from "swr";

export default function AdminPage() {
  const { data } = useSWR("/api/admin/usage");
  return <pre>{JSON.stringify(data)}</pre>;
}
